"""How well a few numbers per image tell its class: the AUC of a small forest on groups that it did not see."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold

from src.seeds import derive, stream
from src.splitting.rows import Floats, Ints

FOLDS = 5
TREES = 100
TREES_ALONE = 30  # for a single number
LEAF = 2  # images per leaf at least
RESAMPLES = 200
COVERAGE = (2.5, 97.5)  # percentiles of the interval


class Auc(NamedTuple):
    """Area under the ROC curve, macro one-vs-rest for more than two classes, with a 95 % interval over groups."""

    value: float
    low: float
    high: float


def cross_validated(features: Floats, classes: Ints, groups: Ints, seed: int) -> Auc | None:
    """Score a forest on (N, F) features by cross-validation over groups.

    Returns:
        None where a class has fewer than two groups.
    """
    if not np.ptp(features, axis=0).any():
        return Auc(0.5, 0.5, 0.5)
    folds = min(FOLDS, *(len(np.unique(groups[classes == label])) for label in np.unique(classes)))
    if folds < 2:
        return None
    chances = np.zeros((len(classes), int(classes.max()) + 1))
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=derive(seed, "shortcut folds"))
    for train, test in splitter.split(features, classes, groups):
        chances[test] = _chances(features, classes, train, test, seed)
    return _auc(classes, chances, groups, seed)


def held_out(features: Floats, classes: Ints, groups: Ints, train: Ints, test: Ints, seed: int) -> Auc | None:
    """Score a forest trained on some rows on others.

    Returns:
        None where either lacks a class.
    """
    if any(len(np.unique(classes[rows])) <= classes.max() for rows in (train, test)):
        return None
    return _auc(classes[test], _chances(features, classes, train, test, seed), groups[test], seed)


def _chances(features: Floats, classes: Ints, train: Ints, test: Ints, seed: int) -> Floats:
    """Fit on some rows and give (test rows, C) probabilities for others; a class not seen has 0."""
    trees = TREES if features.shape[1] > 1 else TREES_ALONE
    forest = RandomForestClassifier(
        trees, min_samples_leaf=LEAF, class_weight="balanced", n_jobs=1, random_state=derive(seed, "shortcut forest")
    )
    forest.fit(features[train], classes[train])
    chances = np.zeros((len(test), int(classes.max()) + 1))
    chances[:, forest.classes_] = forest.predict_proba(features[test])
    return chances


def _auc(classes: Ints, chances: Floats, groups: Ints, seed: int) -> Auc:
    """Score probabilities, with an interval from drawing whole groups anew."""
    random = stream(seed, "shortcut interval")
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    drawn = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([members[index] for index in random.integers(0, len(members), len(members))])
        if len(np.unique(classes[rows])) > classes.max():
            drawn.append(_macro(classes[rows], chances[rows]))
    low, high = np.percentile(drawn, COVERAGE) if drawn else (0.0, 1.0)
    value = _macro(classes, chances)
    return Auc(round(value, 3), round(float(min(low, value)), 3), round(float(max(high, value)), 3))


def _macro(classes: Ints, chances: Floats) -> float:
    labels = [1] if chances.shape[1] == 2 else range(chances.shape[1])
    return float(np.mean([area(classes == label, chances[:, label]) for label in labels]))


def area(positive: NDArray[np.bool_], scores: Floats) -> float:
    """Give the area under the ROC curve; ties count half. A fiftieth of the time of sklearn's, which checks more.

    >>> area(np.array([False, True, True]), np.array([0.2, 0.2, 0.9]))
    0.75
    """
    inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)[1:]
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    ones = int(positive.sum())
    zeros = len(positive) - ones
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))
