"""Stage tune: trials over tune.space, judged on val."""

from src import console
from src.params import load


def main() -> None:
    """Search."""
    from src.tuning.tune_stage import tune  # not in the worker, which loads this module as well

    tune(load())


if __name__ == "__main__":
    console.run(main)
