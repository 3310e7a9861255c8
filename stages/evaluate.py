"""Stage evaluate: scores with intervals on the test part, figures and a report."""

from src import console, evaluation, paths, tracking
from src.params import load


def main() -> None:
    """Judge the model on the test part."""
    params = load()
    with tracking.evaluation():
        evaluation.evaluate(
            paths.PREPARED,
            paths.SPLIT,
            paths.MODEL,
            paths.EVALUATION,
            params.evaluate,
            params.seed,
            shape=params.preprocess.shape,
            threads=params.train.threads,
            augment=params.train.augment.model_dump(),
            batch_size=params.train.batch_size,
            balance=params.train.balance,
            raw=paths.RAW,
            shown=params.shown(),
        )


if __name__ == "__main__":
    console.run(main)
