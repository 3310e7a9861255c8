"""Preprocess: every image through the steps of params.yaml, packed into one array."""

from src import console
from src.imaging.preparing import prepare
from src.params import load
from src.paths import PREPARED, RAW


def main() -> None:
    """Run the stage."""
    params = load()
    prepare(RAW, PREPARED, params.preprocess)


if __name__ == "__main__":
    console.run(main)
