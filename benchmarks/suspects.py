"""How many labels that were swapped on purpose are among the first suspects of a cross-validation.

python -m benchmarks.suspects [--share 0.05]

Run it from the root of the repository. A share of the images of train and val gets
another class, by chance; a linear probe on frozen features is cross-validated on these labels, and its out-of-fold
probabilities order the images. By chance a tenth of the swapped ones would be among the first tenth.
"""

import argparse

import numpy as np

from benchmarks._report import note
from src.config import load, parse
from src.config.overrides import with_values
from src.core.random_streams import stream
from src.evaluate.inputs import Image
from src.executors import training_inputs
from src.executors.workers import Workers
from src.metrics.predictions import Flags
from src.repeat import folds, out_of_fold, stage

FIRST = 0.1  # of the images


def main() -> None:
    """Swap, cross-validate, and tell how many are found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--share", type=float, default=0.05)
    share = parser.parse_args().share
    training_inputs.bring_up_to_date()
    params = parse(with_values(load().model_dump(mode="json"), {"repeat.model": "probe"}))
    images, wrong = swap(folds.read(params), share, params.seed)
    _, found, _ = stage.cross_validate(params, images, Workers().start)
    labels = np.array([found.classes.index(one.label) for one in images])
    order, some, _ = out_of_fold.find_suspects(found.probabilities, labels)
    recall = wrong[order[: round(FIRST * len(order))]].sum() / wrong.sum()
    note(f"{wrong.sum()} of {len(wrong)} labels swapped: {recall:.0%} of them among the first {FIRST:.0%}")
    note(f"{len(some)} labels in doubt, {wrong[some].mean() if len(some) else 0:.0%} of these swapped")


def swap(images: list[Image], share: float, seed: int) -> tuple[list[Image], Flags]:
    """Give a share of the images another label, by chance; return the images, and which of them it were (N,)."""
    random, names = stream(seed, "swapped labels"), sorted({image.label for image in images})
    swapped = np.zeros(len(images), np.bool_)
    swapped[random.choice(len(images), round(share * len(images)), replace=False)] = True
    others = [[name for name in names if name != image.label] for image in images]
    return [
        image._replace(label=str(random.choice(other))) if wrong else image
        for image, other, wrong in zip(images, others, swapped, strict=True)
    ], swapped


if __name__ == "__main__":
    main()
