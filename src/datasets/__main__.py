"""`python -m src.datasets`: the known data sets and the layouts."""

import argparse
import sys

from src import console, plugins
from src.datasets.catalogue import KNOWN, describe


def main() -> None:
    """Write the catalogue and the layouts to stdout."""
    argparse.ArgumentParser(
        "python -m src.datasets", description="List the known data sets and the layouts."
    ).parse_args()
    sys.stdout.write("\n\n".join(describe(known) for known in KNOWN))
    sys.stdout.write("\n\nfolders: your own images in class folders or with a CSV, see docs/own-images.md")
    sys.stdout.write(f"\n\nlayouts (dataset.layout): {', '.join(plugins.names('datasets.layouts'))}\n")


if __name__ == "__main__":
    console.run(main)
