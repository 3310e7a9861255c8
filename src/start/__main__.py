"""`python -m src.start SOURCE`: from images as they are to a params.yaml for them, with the reason of each value."""

import argparse
from pathlib import Path

from src import presets
from src.core import console
from src.start import run


def main() -> None:
    """Plan, tell the plan, write params.yaml, and name the next command."""
    parser = argparse.ArgumentParser("python -m src.start", description="Write a params.yaml for images of your own.")
    parser.add_argument("source", metavar="SOURCE", help="a folder or an archive")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="as train.epochs=5")
    parser.add_argument("--yes", action="store_true", help="replace a params.yaml with edits; a copy is kept")
    asked = parser.parse_args()
    run(asked.source, presets.given(asked.set), Path.cwd(), yes=asked.yes)
    console.say("next: make repro")


if __name__ == "__main__":
    console.run(main)
