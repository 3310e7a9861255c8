"""Stage confirm: compare the best trials with params.yaml as it stands, over several seeds."""

from src.config import load
from src.core import console


def main() -> None:
    """Train again and compare."""
    from src.tune.stage import confirm  # not in the worker, which loads this module as well

    confirm(load())


if __name__ == "__main__":
    console.run(main)
