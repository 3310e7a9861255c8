"""Stage train: the model, as it was in its best epoch by validation."""

from src import tracking
from src.config import load
from src.core import console, paths


def main() -> None:
    """Run the stage."""
    params = load()  # before the imports that take seconds, so that a mistake in it shows at once
    with tracking.training() as run:
        import src.train.stage as stage

        inputs, sections = (paths.PREPARED, paths.SPLIT, paths.MODEL), (params.model, params.train, params.seed)
        checkpoints = paths.CHECKPOINTS / run.fingerprint
        fitted = stage.run(*inputs, *sections, positive=params.dataset.positive, checkpoints=checkpoints)
        run.measure(**fitted.measured)


if __name__ == "__main__":
    console.run(main)
