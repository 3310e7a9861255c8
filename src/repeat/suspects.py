"""Images with a doubtful label, found by confident learning on out-of-fold probabilities.

Northcutt, Jiang and Chuang 2021, https://doi.org/10.1613/jair.1.12125. Images are ranked by the margin between the
label and the likeliest other class, each probability minus its mean over the images with that label (adjusted as in
Kuan and Mueller 2022, arXiv:2206.01560).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from src.core.files import write_csv
from src.evaluate.inputs import Image
from src.images.contact_sheet import Cell, write_sheet
from src.images.pixels import Pixels
from src.metrics.scored import Floats, Integers

SHOWN, A_ROW = 24, 6


def margins(probabilities: Floats, labels: Integers) -> tuple[Floats, Integers]:
    """Return the margin (N,) by which the label leads, negative if another class leads, and the suspected class (N,).

    probabilities: (N, K), of models that did not learn from the image. The suspected class is the likeliest of those
    whose probability reaches its mean over the images with that label; if none does, it is the label itself.
    """
    usual = np.array([probabilities[labels == k, k].mean() for k in range(probabilities.shape[1])])
    confident = np.where(probabilities >= usual, probabilities, 0.0)
    suspected = np.where(confident.any(axis=1), confident.argmax(axis=1), labels)
    lead, each = probabilities - usual, np.arange(len(labels))
    own = lead[each, labels]
    lead[each, labels] = -np.inf
    return own - lead.max(axis=1), suspected


def find(probabilities: Floats, labels: Integers) -> tuple[Integers, Integers, Integers]:
    """Return all indices (N,), the most suspect first, the indices of the suspects, and the suspected class (N,).

    probabilities: (S, N, K), for each seed. An image is a suspect if every seed suspects the same other class.
    """
    guesses = np.stack([margins(each, labels)[1] for each in probabilities])
    lead, suspected = margins(probabilities.mean(axis=0), labels)
    doubted = ((guesses == suspected) & (guesses != labels)).all(axis=0)
    order = np.argsort(lead, kind="stable")
    return order, order[doubted[order]], suspected


def write(
    table: Path, sheet: Path, images: Sequence[Image], classes: tuple[str, ...], pixels: Pixels, probabilities: Floats
) -> int:
    """Write the suspects as a table for correcting labels, and the first of them as a sheet; return their number."""
    labels = np.array([classes.index(image.label) for image in images])
    mean = probabilities.mean(axis=0)
    _, places, suspected = find(probabilities, labels)
    chances = (mean[place, [labels[place], suspected[place]]] for place in places)  # of both classes
    chosen = [(images[place], classes[suspected[place]], *both) for place, both in zip(places, chances, strict=True)]
    head = ("row", "path", "group", "label", "suspected", "p_label", "p_suspected")
    lines = ((one.row, one.path, one.group, one.label, other, f"{p:.6f}", f"{q:.6f}") for one, other, p, q in chosen)
    write_csv(table, head, lines)
    cells = [
        Cell(np.asarray(pixels[one.row]), f"{one.path}\nlabel {one.label}\n{other}? {q:.2f}")
        for one, other, _, q in chosen[:SHOWN]
    ]
    rows = [cells[start : start + A_ROW] for start in range(0, len(cells), A_ROW)]
    shown = f", the first {SHOWN}" if len(places) > SHOWN else ""
    write_sheet(sheet, rows, f"Labels in doubt: {len(places)} of {len(images)} images{shown}")
    return len(places)
