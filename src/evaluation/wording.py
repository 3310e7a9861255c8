"""Numbers and names as the report writes them."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple

from src.evaluation import classification
from src.evaluation.findings import Findings
from src.evaluation.intervals import Estimate
from src.evaluation.metrics import PER_CLASS, Key
from src.evaluation.summary import DECIMALS

NAMES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision",
    "sensitivity": "Sensitivity (recall)",
    "specificity": "Specificity",
    "f1": "F1",
    "auc": "ROC AUC",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier score",
}
MEANINGS = {
    "accuracy": "share of images that are decided right",
    "balanced_accuracy": "mean over the classes of the share decided right",
    "precision": "share of the alarms that are right",
    "sensitivity": "share of the cases that are found",
    "specificity": "share of the others that are left alone",
    "f1": "harmonic mean of precision and sensitivity",
    "auc": "chance that a case scores above another image; 0.5 is guessing",
    "average_precision": "precision, averaged over all cases as they are found",
    "log_loss": "cost of probabilities that are sure and wrong; lower is better",
    "brier": "mean squared error of the probabilities; lower is better",
}
HEADLINES = ("auc", "sensitivity", "specificity", "f1")
NOTHING = "-"


class Line(NamedTuple):
    """A score in the table: its name, what it means, on test, its interval, on val."""

    name: str
    meaning: str
    value: str
    interval: str
    val: str


def lines(found: Findings) -> Iterator[Line]:
    """Write every overall score, in a fixed order."""
    for key, name in NAMES.items():
        score = found.estimates.scores.get((key,))
        val = number(found.val_values.get((key,)))
        yield Line(name, MEANINGS[key], number(score.value if score else None), interval(score), val)
    error = number(found.calibration if isfinite(found.calibration) else None)
    yield Line("Calibration error", "mean distance between probability and frequency", error, NOTHING, NOTHING)


def class_rows(found: Findings) -> list[tuple[str, list[str]]]:
    """Write a row of scores with intervals for every class, one against the rest, where there are more than two."""
    if found.test.binary:
        return []
    scores = found.estimates.scores
    return [(name, [_cell(scores.get(("classes", name, key))) for key in PER_CLASS]) for name in found.test.classes]


def classification_rows(table: list[classification.Line]) -> list[tuple[str, list[str]]]:
    """Write the lines of the classification report: name, then precision, recall, F1 and support."""
    return [
        (line.name, [*(number(value if isfinite(value) else None) for value in line[1:4]), str(line.support)])
        for line in table
    ]


def number(value: float | None) -> str:
    """Write a score with three decimals, from the six that metrics.json has.

    >>> number(0.87654), number(None)
    ('0.877', '-')
    """
    return NOTHING if value is None else f"{round(value, DECIMALS):.3f}"


def interval(score: Estimate | None) -> str:
    """Write the interval of a score.

    >>> interval(Estimate(0.5, 0.4, 0.6)), interval(Estimate(0.5, None, None))
    ('0.400 to 0.600', '-')
    """
    if score is None or score.low is None or score.high is None:
        return NOTHING
    return f"{number(score.low)} to {number(score.high)}"


def flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[Key, str]]:
    """Walk nested parameters: dotted name and value as text."""
    for name, value in values.items():
        path = f"{above}.{name}" if above else name
        if isinstance(value, Mapping):
            yield from flat(value, path)
        else:
            yield (path,), _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(score: Estimate | None) -> str:
    bounds = interval(score)
    return number(score.value if score else None) + (f" ({bounds})" if bounds != NOTHING else "")
