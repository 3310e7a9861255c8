"""Stage evaluate: scores with intervals on the test part, figures and a report."""

from src import tracking
from src.config import load
from src.core import console, paths


def main() -> None:
    """Run the stage."""
    params = load()  # before the imports that take seconds, so that a mistake in it shows at once
    with tracking.stage("evaluate"):
        import src.evaluate.stage as stage

        stage.run(
            stage.Inputs(paths.RAW, paths.PREPARED, paths.SPLIT, paths.MODEL, paths.PROBE),
            paths.EVALUATION,
            params.evaluate,
            params.seed,
            params.preprocess.shape,
            params.for_report(),
        )


if __name__ == "__main__":
    console.run(main)
