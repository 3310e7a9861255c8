"""The images that the model is most certainly wrong about."""

from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from src.evaluation.figures import style
from src.evaluation.scored import Integers, Scored
from src.imaging.sheet import Cell, sheet

COLUMNS = 6


def worst(scored: Scored, decisions: Integers, most: int) -> Integers:
    """Give the places (M,) of up to `most` wrongly decided images, the least probable true class first."""
    wrong = np.flatnonzero(decisions != scored.labels)
    probability = scored.probabilities[wrong, scored.labels[wrong]]
    return wrong[np.argsort(probability, kind="stable")[:most]]


def draw(scored: Scored, decisions: Integers, images: NDArray[np.uint8], most: int) -> NDArray[np.uint8] | None:
    """Draw them with file name, true → taken for, and the probability of the latter; None where there is none.

    images: the packed store (M, H, W, C).
    """
    places = worst(scored, decisions, most)
    cells = [Cell(np.asarray(images[scored.rows[place]]), _caption(scored, decisions, int(place))) for place in places]
    return sheet([cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]) if cells else None


def _caption(scored: Scored, decisions: Integers, place: int) -> str:
    true, taken = scored.labels[place], decisions[place]
    names = style.shorten_all(scored.classes, 14)
    probability = scored.probabilities[place, taken]
    file = style.shorten(PurePosixPath(scored.paths[place]).stem, 24)
    return f"{file}\n{names[true]} → {names[taken]}\nprobability {probability:.3f}"
