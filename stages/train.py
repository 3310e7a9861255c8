"""Fit the model to the train part."""

from src import console, params, paths, training


def main() -> None:
    """Run the stage."""
    values = params.load()
    training.train(
        paths.PREPARED,
        paths.SPLIT,
        paths.MODEL,
        values.model,
        values.train,
        values.seed,
        positive=values.dataset.positive,
        checkpoints=paths.CHECKPOINTS / "train",
    )


if __name__ == "__main__":
    console.run(main)
