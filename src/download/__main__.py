"""`python -m src.download`: the known data sets and the layouts."""

import argparse
import sys

from src.core import console, registry
from src.download.public_datasets import KNOWN, describe


def main() -> None:
    """Write the catalogue and the layouts to stdout."""
    argparse.ArgumentParser(
        "python -m src.download", description="List the known data sets and the layouts."
    ).parse_args()
    sys.stdout.write("\n\n".join(describe(known) for known in KNOWN))
    sys.stdout.write("\n\nfolders: your own images in class folders or with a CSV, see docs/own-images.md")
    sys.stdout.write(f"\n\nlayouts (dataset.layout): {', '.join(registry.names('download.layouts'))}\n")


if __name__ == "__main__":
    console.run(main)
