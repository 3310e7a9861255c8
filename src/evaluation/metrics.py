"""The scores, each a function of labels, probabilities, decisions and weights of images.

A weight says how often an image stands in a sample: ones give the score itself, the counts of a resample give
the score of that resample. So a score and its interval cannot be two different things. Weights have the shape
(R, N), results (R,). NaN means: cannot be told from this sample (no image of a class that the score speaks of).
"""

import numpy as np

from src.evaluation.ranking import average_precision, divide, rank, roc_auc
from src.evaluation.scored import Flags, Floats, Integers, Scored

Key = tuple[str, ...]
Measures = dict[Key, Floats]
SMALLEST = 1e-7  # a float32 output cannot tell 1 from 1 - 1e-8: log loss needs a floor
BINS = 10
PER_CLASS = ("precision", "sensitivity", "specificity", "f1", "auc", "average_precision")


def measure(scored: Scored, decisions: Integers, weights: Floats) -> Measures:
    """Compute every score for every row of weights (R, N).

    Keys: ("auc",), ("f1",), ... With more than two classes precision, sensitivity, specificity, f1, auc and
    average_precision are means over the classes, one against the rest, and ("classes", NAME, "auc"), ... follow.
    """
    overall = _overall(scored, decisions, weights)
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


def one_against_rest(positive: Flags, score: Floats, chosen: Flags, weights: Floats) -> dict[str, Floats]:
    """Compute the scores of one class from who is (N,), how probable (N,) and who was taken for it (N,).

    Precision is 0 where the class is never chosen; all but specificity are NaN without an image of the class.
    """
    positives, negatives = weights @ positive, weights @ ~positive
    hits, alarms = weights @ (positive & chosen), weights @ (~positive & chosen)
    some = np.where(positives > 0, 1.0, np.nan)
    ranking = rank(positive, score, weights)
    return {
        "precision": divide(hits, hits + alarms, empty=0.0) * some,
        "sensitivity": divide(hits, positives),
        "specificity": divide(negatives - alarms, negatives),
        "f1": divide(2 * hits, positives + hits + alarms) * some,
        "auc": roc_auc(ranking),
        "average_precision": average_precision(ranking),
    }


def calibration_error(scored: Scored, decisions: Integers) -> float:
    """Give the expected calibration error: the mean distance between probability and frequency over ten bins.

    Two classes: of the positive class. More: of the most probable one. (Guo et al. 2017, equal-width bins.)
    """
    probability, outcome = certainty(scored, decisions)
    counts, means, frequencies = reliability(probability, outcome)
    return float((counts * np.abs(means - frequencies)).sum() / counts.sum()) if scored.size else float("nan")


def certainty(scored: Scored, decisions: Integers) -> tuple[Floats, Flags]:
    """Give the probabilities (N,) that calibration speaks of and whether each came true (N,)."""
    if scored.binary:
        return scored.probabilities[:, 1], scored.labels == 1
    return scored.probabilities.max(axis=1), scored.labels == decisions


def reliability(probability: Floats, outcome: Flags, bins: int = BINS) -> tuple[Floats, Floats, Floats]:
    """Sort into equal-width bins; give count, mean probability and frequency of those that are not empty."""
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins).astype(np.float64)
    filled = counts > 0
    sums = np.bincount(place, weights=probability, minlength=bins)[filled]
    hits = np.bincount(place, weights=outcome.astype(np.float64), minlength=bins)[filled]
    return counts[filled], sums / counts[filled], hits / counts[filled]


def confusion(labels: Integers, decisions: Integers, classes: int) -> Integers:
    """Count images (K, K): rows are true classes, columns decisions."""
    return np.bincount(labels * classes + decisions, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def _overall(scored: Scored, decisions: Integers, weights: Floats) -> Measures:
    total = weights.sum(axis=1)
    correct = decisions == scored.labels
    true_probability = scored.probabilities[np.arange(scored.size), scored.labels]
    wrong = scored.probabilities - np.eye(len(scored.classes))[scored.labels]
    squares = (wrong**2).sum(axis=1) / (2 if scored.binary else 1)
    present = np.unique(scored.labels)
    recalls = [divide(weights @ (correct & (scored.labels == k)), weights @ (scored.labels == k)) for k in present]
    return {
        ("accuracy",): divide(weights @ correct, total),
        ("balanced_accuracy",): _mean(recalls, len(weights)),
        ("log_loss",): divide(weights @ -np.log(np.maximum(true_probability, SMALLEST)), total),
        ("brier",): divide(weights @ squares, total),
    }


def _mean(rows: list[Floats], count: int) -> Floats:
    return np.mean(rows, axis=0) if rows else np.full(count, np.nan)
