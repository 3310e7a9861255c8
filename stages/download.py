"""Stage download: the images and their manifest from dataset.source."""

from src.config import load
from src.core import console, paths


def main() -> None:
    """Run the stage."""
    params = load()  # before the imports that take seconds, so that a mistake in it shows at once
    import src.download.stage as stage

    stage.run(params.dataset, paths.RAW, paths.home())


if __name__ == "__main__":
    console.run(main)
