"""Make the committed samples again: python -m src.datasets.samples samples."""

import argparse
from pathlib import Path

from src import console
from src.datasets import samples


def main() -> None:
    """Write all sample sets to the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m src.datasets.samples", description="Write the sample images.")
    parser.add_argument("output", type=Path, help="folder for the sample sets, such as samples")
    samples.write(parser.parse_args().output)


if __name__ == "__main__":
    console.run(main)
