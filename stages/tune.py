"""Stage tune: trials over tune.space, scored on val."""

from src.config import load
from src.core import console


def main() -> None:
    """Search for the best trial."""
    from src.tune.stage import tune  # not in the worker, which loads this module as well

    tune(load())


if __name__ == "__main__":
    console.run(main)
