"""Judge the model on the test part."""

from src import console, evaluation, params, paths


def main() -> None:
    """Run the stage."""
    values = params.load()
    evaluation.evaluate(
        paths.PREPARED,
        paths.SPLIT,
        paths.MODEL,
        paths.EVALUATION,
        values.evaluate,
        values.seed,
        threads=values.train.threads,
        augment=values.train.augment.model_dump(),
        shown=values.model_dump(mode="json", exclude={"track"}),
    )


if __name__ == "__main__":
    console.run(main)
