"""List the known data sets: python -m src.datasets"""

import sys

from src import plugins
from src.datasets.catalogue import KNOWN, describe


def main() -> None:
    """Write the catalogue and the layouts to stdout."""
    sys.stdout.write("\n\n".join(describe(known) for known in KNOWN))
    sys.stdout.write("\n\nfolders: your own images in class folders or with a CSV, see docs/own-images.md")
    sys.stdout.write(f"\n\nlayouts (dataset.layout): {', '.join(plugins.names('datasets.layouts'))}\n")


if __name__ == "__main__":
    main()
