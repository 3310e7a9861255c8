"""Stage check: validate all of params.yaml, before DVC looks for the file that params.model names."""

from src.config import load
from src.core import console


def main() -> None:
    """Run the stage."""
    load()


if __name__ == "__main__":
    console.run(main)
