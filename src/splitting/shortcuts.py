"""What tells the class without any medicine: facts of the files, and traces of them in the prepared pixels."""

from typing import NamedTuple

import numpy as np

from src.imaging.pixels import Pixels
from src.seeds import stream
from src.splitting.rows import Floats, Ints, Rows, codes
from src.splitting.tellers import Auc, cross_validated, held_out
from src.splitting.traces import traces

SAMPLE = 3000  # images measured: enough for an interval of about two hundredths
TOO_TELLING = 0.6  # lower end of the interval from which on there is a warning


class Shortcuts(NamedTuple):
    """AUCs of facts of the files, together and each alone, and of traces in the pixels; None where not measurable.

    `official`: scored on the source's own test part by a forest that saw the rest of the source.
    """

    files: Auc | None
    alone: dict[str, Auc | None]
    official: Auc | None
    remaining: Auc | None
    remaining_official: Auc | None
    images: int


def measure(rows: Rows, images: Pixels, seed: int) -> Shortcuts:
    """Measure how well the class is told without looking at anatomy; of many images a seeded sample is used."""
    sample = _sample(rows, seed)
    classes, groups, fold = rows.classes[sample], rows.groups[sample], rows.fold[sample]
    train, test = np.flatnonzero((fold != "test") & (fold != "")), np.flatnonzero(fold == "test")
    files = {name: column[sample] for name, column in file_facts(rows).items()}
    pixels = np.stack([traces(images[row]) for row in sample])
    everything = np.stack(list(files.values()), axis=1)
    return Shortcuts(
        files=cross_validated(everything, classes, groups, seed),
        alone={name: cross_validated(column[:, None], classes, groups, seed) for name, column in files.items()},
        official=held_out(everything, classes, groups, train, test, seed),
        remaining=cross_validated(pixels, classes, groups, seed),
        remaining_official=held_out(pixels, classes, groups, train, test, seed),
        images=len(sample),
    )


def file_facts(rows: Rows) -> dict[str, Floats]:
    """Give what a file tells before its pixels are read, one column (N,) each; formats as numbers."""
    return {
        "width": rows.width,
        "height": rows.height,
        "aspect": rows.width / rows.height,
        "channels": rows.channels,
        "format": codes(rows.format).astype(np.float64),
        "bytes per pixel": rows.bytes / (rows.width * rows.height),
    }


def warnings(found: Shortcuts) -> list[str]:
    """Say in plain words what the class can be told by."""
    lines = []
    if found.files is not None and found.files.low > TOO_TELLING:
        best = sorted(((auc.value, name) for name, auc in found.alone.items() if auc is not None), reverse=True)[:3]
        alone = ", ".join(f"{name} alone {value:.2f}" for value, name in best)
        official = f", {found.official.value:.2f} on the source's own test part" if found.official else ""
        lines.append(
            f"the size and format of the files alone tell the class with AUC {found.files.value:.2f} on groups not seen"
            f"{official} ({alone}): a model can score so without looking at the anatomy"
        )
    if found.remaining is not None and found.remaining.low > TOO_TELLING:
        lines.append(
            f"sharpness, block edges, saturation and borders of the prepared images tell the class with AUC "
            f"{found.remaining.value:.2f}: traces of the files, real texture, or both"
        )
    return lines


def _sample(rows: Rows, seed: int) -> Ints:
    """Choose up to SAMPLE rows of every class in proportion, in the order of the store."""
    if len(rows) <= SAMPLE:
        return np.arange(len(rows))
    random = stream(seed, "shortcut sample")
    order = np.lexsort((random.random(len(rows)), rows.classes))
    kept: Ints = np.sort(order[np.linspace(0, len(rows) - 1, SAMPLE).astype(np.intp)])
    return kept
