"""Stage preprocess: apply the steps of params.yaml to every image, and pack the images into one array."""

from src.config import load
from src.core import console, paths


def main() -> None:
    """Run the stage."""
    params = load()  # before the imports that take seconds, so that a mistake in it shows at once
    import src.preprocess.stage as stage

    stage.run(paths.RAW, paths.PREPARED, params.preprocess, held=paths.LAST_PREPARED)


if __name__ == "__main__":
    console.run(main)
