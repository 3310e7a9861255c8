"""Stage split: who belongs to train, val and test, and an audit of leaks and shortcuts."""

from src import console, paths, splitting
from src.params import load


def main() -> None:
    """Divide the prepared images."""
    params = load()
    splitting.split(paths.PREPARED, paths.SPLIT, params.split, params.seed)


if __name__ == "__main__":
    console.run(main)
