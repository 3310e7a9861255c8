"""The wrong predictions that the model is most confident of."""

from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from src.evaluate.gallery import FigureEntry
from src.images.contact_sheet import Cell, sheet
from src.metrics.scored import Integers, Scored
from src.plotting import style

COLUMNS = 6


def worst(scored: Scored, decisions: Integers, most: int) -> Integers:
    """Return the places (M,) of up to `most` wrongly decided images, the least probable true class first."""
    wrong = np.flatnonzero(decisions != scored.labels)
    probability = scored.probabilities[wrong, scored.labels[wrong]]
    return wrong[np.argsort(probability, kind="stable")[:most]]


def draw(scored: Scored, decisions: Integers, images: NDArray[np.uint8], most: int) -> NDArray[np.uint8] | None:
    """Draw them with file name, true → predicted class, and the probability of the latter; None where there is none.

    images: the packed store (M, H, W, C).
    """
    places = worst(scored, decisions, most)
    cells = [Cell(np.asarray(images[scored.rows[place]]), _caption(scored, decisions, int(place))) for place in places]
    return sheet([cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]) if cells else None


def _caption(scored: Scored, decisions: Integers, place: int) -> str:
    true, predicted = scored.labels[place], decisions[place]
    names = style.shorten_all(scored.classes, 14)
    probability = scored.probabilities[place, predicted]
    file = style.shorten(PurePosixPath(scored.paths[place]).stem, 24)
    return f"{file}\n{names[true]} → {names[predicted]}\nprobability {probability:.3f}"


FIGURES = (
    FigureEntry(
        60,
        "mistakes",
        "The most confident mistakes",
        "Test images to whose true class the model gave the lowest probability: true class, then predicted class.",
        lambda material: draw(material.results.test, material.results.decisions, material.pixels, material.mistakes),
    ),
)
