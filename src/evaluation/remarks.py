"""What a reader must know before trusting the scores: from the audit of the split, then from the evaluation."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from src.evaluation.findings import Findings

TELLING = 0.7  # AUC of the facts of the files alone from which they could explain a good score


class Remark(NamedTuple):
    """A sentence and how serious it is: bad, warn, good or note."""

    level: str
    text: str


def remarks(audit: Mapping[str, Any], found: Findings) -> list[Remark]:
    """List what the audit found and the notes on the scores, the gravest first."""
    everything = [*_audit(audit), *(Remark("note", note) for note in found.notes)]
    order = ("bad", "warn", "note", "good")
    return sorted(everything, key=lambda remark: order.index(remark.level))


def _audit(audit: Mapping[str, Any]) -> Iterator[Remark]:
    if not audit:
        yield Remark("warn", "There is no audit of the split: leaks between the parts have not been looked for.")
    yield from _shortcuts(audit.get("shortcuts") or {}, audit)
    for warning in audit.get("warnings") or []:
        yield Remark("warn", str(warning))


def _shortcuts(shortcuts: Mapping[str, Any], audit: Mapping[str, Any]) -> Iterator[Remark]:
    auc = shortcuts.get("auc")
    if not isinstance(auc, int | float):
        return
    text = f"Size, format and compression of the files alone tell the class with an AUC of {auc:.2f}"
    if auc >= TELLING:
        yield Remark("bad", f"{text}: a model may score well here without looking at anything medical.")
    else:
        yield Remark("good", f"{text}: no obvious shortcut.")
