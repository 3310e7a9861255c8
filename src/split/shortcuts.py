"""Shortcuts: how well file properties, or traces of the file in the pixels, predict the class without the anatomy.

Measured as the AUC of a small random forest on groups that it was not fitted on. Traces of the file in the prepared
pixels are sharpness, block edges, saturation and borders; they do not depend on the anatomy shown.
"""

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold

from src.core.progress import track
from src.core.random_streams import derive, stream
from src.images.pixels import Pixels
from src.images.worker_threads import cores, ordered
from src.metrics.bootstrap import draw
from src.metrics.curves import rank, roc_auc
from src.split.index import Floats, Ints, Rows, codes

FOLDS = 5
TREES = 100
TREES_ALONE = 30  # for a single number
LEAF = 2  # minimum number of images per leaf
RESAMPLES = 200
COVERAGE = (2.5, 97.5)  # percentiles of the interval
SAMPLE = 3000  # images measured: enough for an interval of about two hundredths
FOR_ALL_CORES = 1000  # from so many images on, fitting a tree takes longer than handing it to another thread
Folds = list[tuple[Ints, Ints]]
WARN_ABOVE = 0.6  # warn if the lower end of the interval is above this
RINGS = 10  # bands of spatial frequency, from coarse to the finest the pixels hold
BLOCK = 8  # pixels, the side of a JPEG block
FRAME = 3  # pixels, the width of the border
SMALLEST = 1e-6

TRACES = (
    *(f"power of band {ring}" for ring in range(RINGS)),
    "sharpness",
    "block edges across",
    "block edges down",
    "black",
    "white",
    *(f"{side} border {what}" for side in ("top", "bottom", "left", "right") for what in ("mean", "deviation")),
)


class Auc(NamedTuple):
    """Area under the ROC curve, macro one-vs-rest for more than two classes, with a 95 % interval over groups."""

    value: float
    low: float
    high: float


class Shortcuts(NamedTuple):
    """AUCs of the file properties, together and each alone, and of the traces in the pixels; None if not measurable.

    `official`: AUC on the source's own test part of a forest that was fitted on the rest of the source.
    """

    files: Auc | None
    single: dict[str, Auc | None]
    official: Auc | None
    remaining: Auc | None
    remaining_official: Auc | None
    images: int


def measure(rows: Rows, images: Pixels, seed: int) -> Shortcuts:
    """Measure how well the class is predicted without looking at the anatomy, on a seeded sample of at most SAMPLE."""
    sample = _sample(rows, seed)
    classes, groups, fold = rows.classes[sample], rows.groups[sample], rows.fold[sample]
    train, test = np.flatnonzero((fold != "test") & (fold != "")), np.flatnonzero(fold == "test")
    files = {name: column[sample] for name, column in file_properties(rows).items()}
    looked = track(
        ordered(lambda row: pixel_traces(images[row]), sample, cores()),
        len(sample),
        "measuring shortcuts in the pixels",
    )
    pixels = np.stack(list(looked))
    alone = track(files.items(), len(files), "looking for shortcuts in the files", "feature")
    everything, folds = np.stack(list(files.values()), axis=1), divide(classes, groups, seed)
    return Shortcuts(
        files=cross_validated(everything, classes, groups, folds, seed),
        single={name: cross_validated(column[:, None], classes, groups, folds, seed) for name, column in alone},
        official=held_out(everything, classes, groups, train, test, seed),
        remaining=cross_validated(pixels, classes, groups, folds, seed),
        remaining_official=held_out(pixels, classes, groups, train, test, seed),
        images=len(sample),
    )


def file_properties(rows: Rows) -> dict[str, Floats]:
    """Return what is known about each file before its pixels are read, one column (N,) each; formats as numbers."""
    return {
        "width": rows.width,
        "height": rows.height,
        "aspect": rows.width / rows.height,
        "channels": rows.channels,
        "format": codes(rows.format).astype(np.float64),
        "bytes per pixel": rows.bytes / (rows.width * rows.height),
    }


def warnings(found: Shortcuts) -> list[str]:
    """Return a warning for each kind of shortcut that predicts the class."""
    lines = []
    if found.files is not None and found.files.low > WARN_ABOVE:
        best = sorted(((auc.value, name) for name, auc in found.single.items() if auc is not None), reverse=True)[:3]
        alone = ", ".join(f"{name} alone {value:.2f}" for value, name in best)
        official = f", {found.official.value:.2f} on the source's own test part" if found.official else ""
        lines.append(
            f"the size and format of the files alone predict the class with AUC {found.files.value:.2f} on new groups"
            f"{official} ({alone}): a model can score so without looking at the anatomy; "
            "the steps detail, working_size and crop make images alike, images of each class from every source do more"
        )
    if found.remaining is not None and found.remaining.low > WARN_ABOVE:
        lines.append(
            f"sharpness, block edges, saturation and borders of the prepared images predict the class with AUC "
            f"{found.remaining.value:.2f}: traces of the files, real texture, or both; the step detail, with a smaller "
            "preprocess.detail, takes fine traces out: if the score stays, they were not what it came from"
        )
    return lines


def _sample(rows: Rows, seed: int) -> Ints:
    """Choose up to SAMPLE rows, each class in proportion, in the order of the store."""
    if len(rows) <= SAMPLE:
        return np.arange(len(rows))
    random = stream(seed, "shortcut sample")
    order = np.lexsort((random.random(len(rows)), rows.classes))
    kept: Ints = np.sort(order[np.linspace(0, len(rows) - 1, SAMPLE).astype(np.intp)])
    return kept


def divide(classes: Ints, groups: Ints, seed: int) -> Folds:
    """Divide N images into folds of whole groups, each as the rows to fit on and the rows to score.

    No folds if a class has fewer than two groups."""
    count = min(FOLDS, *(len(np.unique(groups[classes == label])) for label in np.unique(classes)))
    if count < 2:
        return []
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=derive(seed, "shortcut folds"))
    return list(splitter.split(classes, classes, groups))


def cross_validated(features: Floats, classes: Ints, groups: Ints, folds: Folds, seed: int) -> Auc | None:
    """Score a forest on (N, F) features by cross-validation; None if there are no folds."""
    if not np.ptp(features, axis=0).any():
        return Auc(0.5, 0.5, 0.5)
    if not folds:
        return None
    probabilities = np.zeros((len(classes), int(classes.max()) + 1))
    for train, test in folds:
        probabilities[test] = _probabilities(features, classes, train, test, seed)
    return _auc(classes, probabilities, groups, seed)


def held_out(features: Floats, classes: Ints, groups: Ints, train: Ints, test: Ints, seed: int) -> Auc | None:
    """Fit a forest on the train rows and score it on the test rows.

    Returns:
        The AUC, or None if train or test lacks a class.
    """
    if any(len(np.unique(classes[rows])) <= classes.max() for rows in (train, test)):
        return None
    return _auc(classes[test], _probabilities(features, classes, train, test, seed), groups[test], seed)


def _probabilities(features: Floats, classes: Ints, train: Ints, test: Ints, seed: int) -> Floats:
    """Fit a forest on the train rows; return probabilities (T, C) of the test rows, 0 for a class that train lacks."""
    trees = TREES if features.shape[1] > 1 else TREES_ALONE
    forest = RandomForestClassifier(
        trees,
        min_samples_leaf=LEAF,
        class_weight="balanced",
        n_jobs=cores() if len(train) >= FOR_ALL_CORES else 1,
        random_state=derive(seed, "shortcut forest"),
    )
    forest.fit(features[train], classes[train])
    forest.n_jobs = 1  # several threads would sum trees in the order in which they finish: other ties, another AUC
    probabilities = np.zeros((len(test), int(classes.max()) + 1))
    probabilities[:, forest.classes_] = forest.predict_proba(features[test])
    return probabilities


def _auc(classes: Ints, probabilities: Floats, groups: Ints, seed: int) -> Auc:
    """Return the AUC of probabilities (N, C), with an interval over resampled groups."""
    numbers = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    weights = np.concatenate(list(draw(numbers, RESAMPLES, stream(seed, "shortcut interval"))))
    drawn = _macro(classes, probabilities, weights)
    drawn = drawn[np.isfinite(drawn)]  # a resample that lacks a class has no AUC
    low, high = np.percentile(drawn, COVERAGE) if drawn.size else (0.0, 1.0)
    value = float(_macro(classes, probabilities, np.ones((1, len(classes))))[0])
    return Auc(round(value, 3), round(float(min(low, value)), 3), round(float(max(high, value)), 3))


def _macro(classes: Ints, probabilities: Floats, weights: Floats) -> Floats:
    """Return the mean AUC (R,) over the classes, each against the rest, for every row of weights (R, N)."""
    labels = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    areas = [roc_auc(rank(classes == label, probabilities[:, label], weights)) for label in labels]
    return np.asarray(np.mean(areas, axis=0), dtype=np.float64)


def pixel_traces(image: Pixels) -> Floats:
    """Measure an image, uint8 (H, W, C): one number for each of TRACES."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[-1] == 3 else image[..., 0]
    pixels = gray.astype(np.float64)
    sharpness = np.log(cv2.Laplacian(pixels, cv2.CV_64F).var() + SMALLEST)
    saturated = [(gray == 0).mean(), (gray == 255).mean()]
    edges = [_block_edges(pixels), _block_edges(pixels.T)]
    return np.array([*_bands(pixels), sharpness, *edges, *saturated, *_borders(pixels)], dtype=np.float64)


def _bands(pixels: Floats) -> Floats:
    """Return the log share of each band in the power spectrum of the windowed image without its mean."""
    window, ring = _window_and_rings(*pixels.shape)
    power = np.abs(np.fft.rfft2((pixels - pixels.mean()) * window)) ** 2
    bands = np.bincount(ring, power.ravel(), minlength=RINGS)
    return np.asarray(np.log(bands / (bands.sum() + SMALLEST) + SMALLEST), dtype=np.float64)


@cache
def _window_and_rings(height: int, width: int) -> tuple[Floats, Ints]:
    """Return the window (H, W) and the band of each frequency; cached, as both depend on the size alone."""
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    ring = np.minimum((radius * 2 * RINGS).astype(np.intp), RINGS - 1)
    return np.outer(np.hanning(height), np.hanning(width)), ring.ravel()


def _block_edges(pixels: Floats) -> float:
    """Return the mean step at every eighth column, at the strongest phase, divided by the mean of all steps.

    It is about 1 without blocks.
    """
    steps = np.abs(np.diff(pixels, axis=1)).mean(axis=0)
    phases = [steps[phase::BLOCK].mean() for phase in range(min(BLOCK, len(steps)))]
    return float((max(phases) + SMALLEST) / (steps.mean() + SMALLEST))


def _borders(pixels: Floats) -> list[float]:
    sides = pixels[:FRAME], pixels[-FRAME:], pixels[:, :FRAME], pixels[:, -FRAME:]
    return [float(number) for side in sides for number in (side.mean(), side.std())]
