"""Stage repeat: cross-validate the network of params.yaml, over several seeds."""

from src.config import load
from src.core import console


def main() -> None:
    """Cross-validate."""
    from src.repeat.stage import run  # not in the worker, which loads this module as well

    run(load())


if __name__ == "__main__":
    console.run(main)
