"""The scores: one entry each, computed from labels, probabilities, decisions and weights of images.

A weight is how often an image occurs in a sample: weights of 1 give the score itself, the counts of a bootstrap
resample give the score of that resample. So a score and its interval are always computed by the same code. Weights
have the shape (R, N), results (R,). NaN means that the score is undefined: the sample lacks a class that it needs.

To add a score, add an entry to METRICS: metrics.json, the report, the figures, the allowed values of tune.metric and
the direction of an Optuna study follow from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.metrics.curves import Ranking, area, average_precision, divide, rank, roc_auc
from src.metrics.predictions import Flags, Floats, Integers, Scored

Key = tuple[str, ...]
Measures = dict[Key, Floats]
Direction = Literal["maximize", "minimize"]
SMALLEST = 1e-7  # 1 and 1 - 1e-8 are the same float32, so log loss needs a lower bound for probabilities
BINS = 10


class Sample(NamedTuple):
    """All images of a part, with their predictions and the weights (R, N) to score them with."""

    scored: Scored
    decisions: Integers
    weights: Floats

    @property
    def correct(self) -> Flags:
        """True (N,) where the decision is correct."""
        return np.asarray(self.decisions == self.scored.labels, dtype=np.bool_)

    def mean(self, values: Floats | Flags) -> Floats:
        """Return the weighted mean (R,) of values (N,)."""
        return divide(self.weights @ values, self.weights.sum(axis=1))


class OneClass(NamedTuple):
    """One class against the rest: weights (R,) of positives, negatives, true and false positives, and the ranking."""

    positives: Floats
    negatives: Floats
    hits: Floats
    alarms: Floats
    ranking: Ranking

    @property
    def some(self) -> Floats:
        """1 (R,), or NaN where a sample has no image of the class."""
        return np.where(self.positives > 0, 1.0, np.nan)


@dataclass(frozen=True)
class Metric:
    """A score: its name in files, its label and meaning in the report, and how it is computed.

    sample or one_class: the function that computes it, for all images or for one class against the rest.
    needs: the images that the score requires; an interval requires at least two groups of them.
    share: whether it is a proportion of images, so that a binomial interval applies.
    epoch: the column of history.csv that tracks it during training.
    """

    name: str
    label: str
    meaning: str
    sample: Callable[[Sample], Floats] | None = None
    one_class: Callable[[OneClass], Floats] | None = None
    needs: Literal["images", "every class", "positives", "negatives", "both"] = "images"
    direction: Direction = "maximize"
    share: bool = False
    epoch: str | None = None


def _balanced_accuracy(s: Sample) -> Floats:
    labels = s.scored.labels
    recalls = [divide(s.weights @ (s.correct & (labels == k)), s.weights @ (labels == k)) for k in np.unique(labels)]
    return _mean(recalls, len(s.weights))


def _log_loss(s: Sample) -> Floats:
    true = s.scored.probabilities[np.arange(s.scored.size), s.scored.labels]
    return s.mean(-np.log(np.maximum(true, SMALLEST)))


def _brier(s: Sample) -> Floats:
    wrong = s.scored.probabilities - np.eye(len(s.scored.classes))[s.scored.labels]
    return s.mean((wrong**2).sum(axis=1) / (2 if s.scored.binary else 1))


METRICS = (
    Metric("accuracy", "Accuracy", "share of images that are classified correctly",
           sample=lambda s: s.mean(s.correct), share=True, epoch="val_accuracy"),
    Metric("balanced_accuracy", "Balanced accuracy", "mean over the classes of the share classified correctly",
           sample=_balanced_accuracy, needs="every class"),
    Metric("precision", "Precision", "share of the alarms that are right",
           one_class=lambda c: divide(c.hits, c.hits + c.alarms, empty=0.0) * c.some, needs="positives",
           epoch="val_precision"),
    Metric("sensitivity", "Sensitivity (recall)", "share of the cases that are found",
           one_class=lambda c: divide(c.hits, c.positives), needs="positives", share=True, epoch="val_recall"),
    Metric("specificity", "Specificity", "share of the others that are left alone",
           one_class=lambda c: divide(c.negatives - c.alarms, c.negatives), needs="negatives", share=True),
    Metric("f1", "F1", "harmonic mean of precision and sensitivity",
           one_class=lambda c: divide(2 * c.hits, c.positives + c.hits + c.alarms) * c.some, needs="positives"),
    Metric("auc", "ROC AUC", "chance that a case scores above another image; 0.5 is guessing",
           one_class=lambda c: roc_auc(c.ranking), needs="both", epoch="val_auc"),
    Metric("average_precision", "Average precision", "precision, averaged over all cases as they are found",
           one_class=lambda c: average_precision(c.ranking), needs="both"),
    Metric("log_loss", "Log loss", "cost of probabilities that are sure and wrong; lower is better",
           sample=_log_loss, direction="minimize", epoch="val_loss"),
    Metric("brier", "Brier score", "mean squared error of the probabilities; lower is better",
           sample=_brier, direction="minimize"),
    Metric("calibration_error", "Calibration error", "mean distance between probability and frequency",
           direction="minimize"),  # computed for all images at once, without an interval, by calibration_error()
)  # fmt: skip
BY_NAME = {metric.name: metric for metric in METRICS}
PER_CLASS = tuple(metric.name for metric in METRICS if metric.one_class)
EPOCH_SCORES: dict[str, tuple[str, Direction]] = {  # columns of history.csv; each also exists with the prefix val_
    "loss": ("Loss", "minimize"),
    "accuracy": ("Accuracy", "maximize"),
    "auc": ("ROC AUC", "maximize"),
    "precision": ("Precision", "maximize"),
    "recall": ("Recall", "maximize"),
}


def measure(scored: Scored, decisions: Integers, weights: Floats) -> Measures:
    """Compute every score for every row of weights (R, N).

    Keys: ("auc",), ("f1",), ... With more than two classes precision, sensitivity, specificity, f1, auc and
    average_precision are means over the classes, each against the rest; ("classes", NAME, "auc"), ... are added.
    """
    sample = Sample(scored, decisions, weights)
    overall: Measures = {(metric.name,): metric.sample(sample) for metric in METRICS if metric.sample}
    if scored.binary:
        one = one_against_rest(scored.labels == 1, scored.probabilities[:, 1], decisions == 1, weights)
        return overall | {(name,): values for name, values in one.items()}
    each = {
        name: one_against_rest(scored.labels == k, scored.probabilities[:, k], decisions == k, weights)
        for k, name in enumerate(scored.classes)
    }
    present = [name for k, name in enumerate(scored.classes) if (scored.labels == k).any()]
    means: Measures = {(key,): _mean([each[name][key] for name in present], len(weights)) for key in PER_CLASS}
    return overall | means | {("classes", n, key): values for n in each for key, values in each[n].items()}


def values(scored: Scored, decisions: Integers) -> dict[Key, float]:
    """Compute every score of a part; undefined scores are left out."""
    found = measure(scored, decisions, np.ones((1, scored.size)))
    return {key: float(value[0]) for key, value in found.items() if np.isfinite(value[0])}


def overall_scores(scored: Scored, decisions: Integers) -> dict[str, float]:
    """Return the defined scores by name, without the scores of single classes."""
    return {key[0]: value for key, value in values(scored, decisions).items() if len(key) == 1}


def epoch_scores(targets: Integers, probabilities: NDArray[np.float32]) -> dict[str, float]:
    """Return accuracy, auc, precision and recall from class numbers (N,) and probabilities (N, 1) or (N, K).

    Two classes: the second one is predicted if its probability is above 0.5; auc, precision and recall are about it.
    More: the most probable class is predicted; auc, precision and recall are means over the classes that occur in the
    targets, each against the rest. auc is NaN if only one class occurs; precision is 0 for a class never predicted.
    """
    binary = probabilities.shape[1] == 1
    decided = (probabilities[:, 0] > 0.5).astype(np.int64) if binary else probabilities.argmax(axis=1)
    held = [1] if binary else np.unique(targets).tolist()
    ranked = held if binary or len(held) > 1 else []
    columns = {k: probabilities[:, 0 if binary else k] for k in held}
    return {
        "accuracy": float(np.mean(decided == targets)),
        "auc": float(np.mean([area(targets == k, columns[k]) for k in ranked])),
        "precision": float(np.mean([_share(targets == k, of=decided == k) for k in held])),
        "recall": float(np.mean([_share(decided == k, of=targets == k) for k in held])),
    }


def one_against_rest(positive: Flags, score: Floats, predicted: Flags, weights: Floats) -> dict[str, Floats]:
    """Compute the scores of one class from true membership (N,), probability (N,) and predicted membership (N,).

    Precision is 0 if the class is never predicted; all scores but specificity are NaN without an image of the class.
    """
    found = OneClass(
        positives=weights @ positive,
        negatives=weights @ ~positive,
        hits=weights @ (positive & predicted),
        alarms=weights @ (~positive & predicted),
        ranking=rank(positive, score, weights),
    )
    return {metric.name: metric.one_class(found) for metric in METRICS if metric.one_class}


def calibration_error(scored: Scored, decisions: Integers) -> float:
    """Return the expected calibration error: the mean distance between probability and frequency over ten bins.

    The bins have equal width, and each counts by its number of images (Guo et al. 2017). Two classes: the probability
    of the positive class is used. More: that of the most probable class.
    """
    probability, outcome = certainty(scored, decisions)
    counts, means, frequencies = reliability(probability, outcome)
    return float((counts * np.abs(means - frequencies)).sum() / counts.sum()) if scored.size else float("nan")


def certainty(scored: Scored, decisions: Integers) -> tuple[Floats, Flags]:
    """Return the probabilities (N,) whose calibration is measured, and whether each predicted event occurred (N,)."""
    if scored.binary:
        return scored.probabilities[:, 1], scored.labels == 1
    return scored.probabilities.max(axis=1), scored.labels == decisions


def reliability(probability: Floats, outcome: Flags, bins: int = BINS) -> tuple[Floats, Floats, Floats]:
    """Sort into equal-width bins; return the count, mean probability and frequency of each bin that is not empty."""
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins).astype(np.float64)
    filled = counts > 0
    sums = np.bincount(place, weights=probability, minlength=bins)[filled]
    hits = np.bincount(place, weights=outcome.astype(np.float64), minlength=bins)[filled]
    return counts[filled], sums / counts[filled], hits / counts[filled]


def confusion(labels: Integers, decisions: Integers, classes: int) -> Integers:
    """Count images (K, K): rows are true classes, columns decisions."""
    return np.bincount(labels * classes + decisions, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def _mean(rows: list[Floats], count: int) -> Floats:
    return np.mean(rows, axis=0) if rows else np.full(count, np.nan)


def _share(flags: Flags, of: Flags) -> float:
    return float(np.mean(flags[of])) if of.any() else 0.0
