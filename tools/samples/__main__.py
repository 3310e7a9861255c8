"""Make the committed samples again: python -m tools.samples samples."""

import argparse
from pathlib import Path

from src.core import console
from tools import samples


def main() -> None:
    """Write all sample sets to the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tools.samples", description="Write the sample images.")
    parser.add_argument("output", type=Path, help="folder for the sample sets, such as samples")
    samples.write(parser.parse_args().output)


if __name__ == "__main__":
    console.run(main)
