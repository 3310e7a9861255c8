"""Stage split: which image belongs to train, val or test, and an audit of leaks and shortcuts."""

from src.config import load
from src.core import console, paths


def main() -> None:
    """Run the stage."""
    params = load()  # before the imports that take seconds, so that a mistake in it shows at once
    import src.split.stage as stage

    stage.run(paths.RAW, paths.PREPARED, paths.SPLIT, params.split, params.seed)


if __name__ == "__main__":
    console.run(main)
