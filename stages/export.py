"""Stage export: the network with its preparation, threshold and calibration in one bundle."""

from src import tracking
from src.config import load
from src.core import console, paths


def main() -> None:
    """Run the stage."""
    params = load()  # before the imports that take seconds, so that a mistake in it shows at once
    with tracking.stage("export"):
        import src.export.stage as stage
        from src.predict import application

        stage.run(
            stage.Inputs(paths.PREPARED, paths.SPLIT, paths.MODEL, paths.EVALUATION),
            paths.BUNDLE,
            params.export,
            stage.Setting.of(params),
        )
        application.write(paths.BUNDLE)


if __name__ == "__main__":
    console.run(main)
