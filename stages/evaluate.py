"""Stage evaluate: scores with intervals on the test part, figures and a report."""

from src import console, paths, tracking
from src.params import load


def main() -> None:
    """Run the stage."""
    params = load()  # before the imports that take seconds, so that a mistake in it shows at once
    with tracking.evaluation():
        import src.evaluation.stage as stage

        stage.run(
            stage.Inputs(paths.RAW, paths.PREPARED, paths.SPLIT, paths.MODEL),
            paths.EVALUATION,
            params.evaluate,
            params.seed,
            params.preprocess.shape,
            params.shown(),
        )


if __name__ == "__main__":
    console.run(main)
