"""metrics.json: the findings as plain numbers, nested so that `dvc metrics diff` lines them up; never NaN."""

from typing import Any

import numpy as np

from src.evaluation.findings import Findings
from src.evaluation.intervals import Estimate
from src.evaluation.metrics import Key

DECIMALS = 6
Tree = dict[str, Any]


def summarise(found: Findings) -> Tree:
    """Nest all numbers: threshold, test with intervals, test by group, val without intervals."""
    tree: Tree = {"threshold": found.threshold.value} if found.threshold else {}
    tree["test"] = _test(found)
    tree["val"] = {"images": found.val.size, "groups": found.val.group_count}
    for key, value in found.val_values.items():
        _put(tree["val"], key, round(value, DECIMALS))
    return tree


def bounds(score: Estimate) -> Tree:
    """Give value, and low and high where there are any, rounded to six decimals."""
    named = {"value": score.value, "low": score.low, "high": score.high}
    return {name: round(value, DECIMALS) for name, value in named.items() if value is not None}


def _test(found: Findings) -> Tree:
    tree: Tree = {"images": found.test.size, "groups": found.test.group_count}
    tree["degenerate_resamples"] = found.estimates.degenerate
    for key, score in found.estimates.scores.items():
        _put(tree, key, bounds(score))
    if found.by_group is not None:
        tree["auc_by_group"] = bounds(found.by_group)
    if np.isfinite(found.calibration):
        tree["calibration_error"] = {"value": round(found.calibration, DECIMALS)}
    return tree


def _put(tree: Tree, key: Key, value: Any) -> None:
    for name in key[:-1]:
        tree = tree.setdefault(name, {})
    tree[key[-1]] = value
