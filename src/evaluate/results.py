"""The results of a model: scores from its predictions on val and test, their files and the classification report."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from src.core.random_streams import stream
from src.metrics.bootstrap import DECIMALS, FEWEST_GROUPS, Estimate, Estimates, estimate
from src.metrics.calibration import Scaling, scaling
from src.metrics.curves import divide
from src.metrics.predictions import Floats, Integers, Scored
from src.metrics.scores import Key, calibration_error, confusion, values
from src.metrics.threshold import FALLBACK, RULES, Threshold, choose

FEW_GROUPS = 20  # with fewer groups, percentile intervals are known to be too narrow
FEW_TO_CHOOSE_BY = 10
CHANCE = 0.5  # ROC AUC of guessing
MEAN_DECIMALS = 10  # rounding keeps equal means equal: a ranking would order them by rounding errors
COMPARED = ("auc", "accuracy", "balanced_accuracy", "f1", "sensitivity", "specificity", "calibration_error")
Tree = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """How scores are computed: the rule or value of the threshold, and the settings of the intervals."""

    threshold: str | float
    confidence: float
    resamples: int
    seed: int


@dataclass(frozen=True)
class Results:
    """Scores of the test part with intervals, those of val for reference, and what a reader must know."""

    rules: Rules
    test: Scored
    val: Scored
    threshold: Threshold | None  # None with more than two classes: the most probable class is predicted
    decisions: Integers  # (N,) of the test part
    estimates: Estimates
    calibration: float  # expected calibration error on test; NaN without images
    scaling: Scaling  # temperature scaling, which the bundle may apply
    by_group: Estimate | None  # ROC AUC of the mean probability of each group
    val_values: dict[Key, float]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know about the scores, as sentences."""
        return tuple(_notes(self))


class ClassScores(NamedTuple):
    """A line of the classification report; its scores are NaN if there is no image of the class."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


def compute(test: Scored, val: Scored, rules: Rules) -> Results:
    """Choose the threshold on val and compute every score."""
    threshold = choose(val.labels == 1, val.probabilities[:, 1], rules.threshold) if test.binary else None
    cut = threshold.value if threshold else FALLBACK
    decisions = test.decide(cut)
    estimates = estimate(test, decisions, rules.confidence, rules.resamples, stream(rules.seed, "intervals"))
    return Results(
        rules=rules,
        test=test,
        val=val,
        threshold=threshold,
        decisions=decisions,
        estimates=estimates,
        calibration=calibration_error(test, decisions),
        scaling=scaling({"val": val, "test": test}, cut),
        by_group=_by_group(test, rules),
        val_values=values(val, val.decide(cut)),
    )


def merge_groups(scored: Scored) -> Scored | None:
    """Merge each group into one case with its mean probabilities.

    Return None if no groups are known, if every image is a group of its own, or if a group holds several labels.
    """
    count = scored.group_count
    _, first = np.unique(scored.groups, return_index=True)
    if not scored.grouped or count == scored.size or (scored.labels != scored.labels[first][scored.groups]).any():
        return None
    sizes = np.bincount(scored.groups, minlength=count)
    sums = [np.bincount(scored.groups, weights=column, minlength=count) for column in scored.probabilities.T]
    means: Floats = np.round(np.stack(sums, axis=1) / sizes[:, None], MEAN_DECIMALS)
    return replace(
        scored,
        rows=scored.rows[first],
        paths=tuple(scored.paths[place] for place in first),
        labels=scored.labels[first],
        probabilities=means,
        groups=np.arange(count),
    )


def _by_group(test: Scored, rules: Rules) -> Estimate | None:
    merged = merge_groups(test)
    if merged is None:
        return None
    random = stream(rules.seed, "intervals", "groups")
    found = estimate(merged, merged.decide(FALLBACK), rules.confidence, rules.resamples, random)
    return found.scores.get(("auc",))


def _notes(results: Results) -> Iterator[str]:
    yield from _notes_on_val(results)
    test = results.test
    for number, name in enumerate(test.classes):
        if not (test.labels == number).any():
            yield f"The test part holds no image of {name}: what needs one is left out."
    if test.size and np.ptp(test.probabilities, axis=0).max() == 0:
        yield "The model gives every test image the same probability: it does not separate the classes."
    area = results.estimates.scores.get(("auc",))
    if area and area.low is not None and area.low <= CHANCE:
        yield "The interval of the ROC AUC reaches 0.5: on this test part the model is within chance."
    yield from _notes_on_groups(test)
    if results.estimates.degenerate:
        yield (
            f"{results.estimates.degenerate} of {results.rules.resamples} resamples lacked a class; "
            "scores that need it are resampled without them."
        )


def _notes_on_val(results: Results) -> Iterator[str]:
    if results.threshold is None:
        return
    if results.threshold.note:
        yield f"Threshold: {results.threshold.note}."
    fewest = min(int((results.val.labels == number).sum()) for number in (0, 1))
    if results.threshold.rule in RULES and fewest < FEW_TO_CHOOSE_BY:
        yield f"The threshold was chosen on only {fewest} val images of one class: expect it to move with the split."


def _notes_on_groups(test: Scored) -> Iterator[str]:
    if not test.grouped:
        yield "No groups are known: images count as independent, and intervals are too narrow if they are not."
    if test.group_count < FEWEST_GROUPS:
        yield "The test part is a single group: no interval can be given."
    elif test.group_count < FEW_GROUPS:
        yield f"The test part has only {test.group_count} groups: the intervals are rough, and rather too narrow."
    if test.grouped and test.group_count < test.size and merge_groups(test) is None:
        yield "Some groups hold images of more than one class: there is no score by group."


def classification(labels: Integers, decisions: Integers, classes: tuple[str, ...]) -> list[ClassScores]:
    """Return a line for each class, then their mean (macro) and their mean weighted by support.

    Like scikit-learn's report with zero_division=0, except that classes without an image are not averaged.
    """
    counts = confusion(labels, decisions, len(classes)).astype(np.float64)
    hits, support, chosen = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    some = np.where(support > 0, 1.0, np.nan)
    precision = divide(hits, chosen, empty=0.0) * some
    scores = np.stack([precision, divide(hits, support), divide(2 * hits, support + chosen) * some], axis=1)
    rows: list[tuple[float, float, float]] = [
        tuple(row.tolist()) for row in (*scores, _mean(scores, some), _mean(scores, support * some))
    ]
    names, images = (*classes, "macro average", "weighted average"), [*support, support.sum(), support.sum()]
    return [ClassScores(name, *row, int(size)) for name, row, size in zip(names, rows, images, strict=True)]


def _mean(scores: Floats, weights: Floats) -> Floats:
    """Average scores (K, 3) over the classes that have images."""
    return np.asarray(np.nansum(scores * weights[:, None], axis=0) / np.nansum(weights), dtype=np.float64)


def summarise(results: Results) -> Tree:
    """Return all numbers as a tree: threshold, test with intervals, test by group, val without, temperature."""
    tree: Tree = {"threshold": results.threshold.value} if results.threshold else {}
    tree["test"] = _test(results)
    tree["val"] = {"images": results.val.size, "groups": results.val.group_count}
    for key, value in results.val_values.items():
        _put(tree["val"], key, round(value, DECIMALS))
    tree["calibration"] = asdict(results.scaling)
    return tree


def compared(tree: Tree) -> dict[str, float]:
    """Return the few numbers of `summarise` that people compare, without intervals; `dvc metrics` shows them.

    >>> compared({"threshold": 0.4, "test": {"auc": {"value": 0.9, "low": 0.8}}, "val": {"auc": 0.95}})
    {'test_auc': 0.9, 'val_auc': 0.95, 'threshold': 0.4}
    """
    test = {f"test_{name}": tree["test"][name]["value"] for name in COMPARED if name in tree["test"]}
    val = {f"val_{name}": tree["val"][name] for name in COMPARED[:2] if name in tree["val"]}
    return test | val | {name: tree[name] for name in ("threshold",) if name in tree}


def _test(results: Results) -> Tree:
    tree: Tree = {"images": results.test.size, "groups": results.test.group_count}
    tree["degenerate_resamples"] = results.estimates.degenerate
    for key, score in results.estimates.scores.items():
        _put(tree, key, score.bounds())
    if results.by_group is not None:
        tree["auc_by_group"] = results.by_group.bounds()
    if np.isfinite(results.calibration):
        tree["calibration_error"] = {"value": round(results.calibration, DECIMALS)}
    return tree


def _put(tree: Tree, key: Key, value: Any) -> None:
    for name in key[:-1]:
        tree = tree.setdefault(name, {})
    tree[key[-1]] = value
