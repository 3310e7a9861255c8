"""Stage tune: trials over tune.space, judged on val."""

from src.config import load
from src.core import console


def main() -> None:
    """Search."""
    from src.tune.stage import tune  # not in the worker, which loads this module as well

    tune(load())


if __name__ == "__main__":
    console.run(main)
