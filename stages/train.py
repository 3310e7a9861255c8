"""Stage train: the model, its best epoch by validation."""

from src import console, paths, tracking
from src.params import load


def main() -> None:
    """Fit the model to the train part."""
    params = load()
    with tracking.training() as run:
        from src import training  # TensorFlow takes seconds: a mistake in params.yaml shows before

        positive, checkpoints = params.dataset.positive, paths.CHECKPOINTS / run.trace
        inputs, sections = (paths.PREPARED, paths.SPLIT, paths.MODEL), (params.model, params.train, params.seed)
        fitted = training.train(*inputs, *sections, positive=positive, checkpoints=checkpoints)
        run.measure(train_seconds=fitted.seconds, images_per_second=fitted.images_per_second)
        run.measure(best_epoch=fitted.best_epoch, resumed_after=fitted.resumed_after)


if __name__ == "__main__":
    console.run(main)
