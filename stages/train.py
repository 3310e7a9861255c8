"""Stage train: the model, as it was in its best epoch by validation."""

from src import console, paths, tracking
from src.params import load


def main() -> None:
    """Run the stage."""
    params = load()  # before the imports that take seconds, so that a mistake in it shows at once
    with tracking.training() as run:
        import src.training.saving as stage

        inputs, sections = (paths.PREPARED, paths.SPLIT, paths.MODEL), (params.model, params.train, params.seed)
        checkpoints = paths.CHECKPOINTS / run.trace
        fitted = stage.run(*inputs, *sections, positive=params.dataset.positive, checkpoints=checkpoints)
        run.measure(**fitted.measured)


if __name__ == "__main__":
    console.run(main)
