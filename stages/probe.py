"""Stage probe: the scores of a linear probe on features learned from photographs, on the same split."""

from src.config import load
from src.core import console, paths


def main() -> None:
    """Run the stage."""
    params = load()  # before the imports that take seconds, so that a mistake in it shows at once
    import src.probe.stage as stage

    intervals = stage.Intervals(params.evaluate.confidence, params.evaluate.resamples)
    stage.run(paths.PREPARED, paths.SPLIT, paths.PROBE, intervals, params.seed, params.dataset.positive)


if __name__ == "__main__":
    console.run(main)
