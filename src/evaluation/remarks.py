"""What a reader must know before trusting the scores: from the audit of the split, then from the evaluation."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from src.evaluation.findings import Findings

TELLING = 0.6  # ROC AUC from which on a shortcut is worth a comparison
LEAKS = ("groups_in_two_parts", "exact_duplicates", "near_duplicates")


class Remark(NamedTuple):
    """A sentence and how serious it is: bad, warn, note or good."""

    level: str
    text: str


def remarks(audit: Mapping[str, Any], found: Findings) -> list[Remark]:
    """List what the audit found and the notes on the scores, the gravest first."""
    if not audit:
        everything = [Remark("warn", "There is no audit of the split: nobody has looked for leaks between the parts.")]
    else:
        everything = [*_leaks(audit), *_shortcuts(audit, found), *_warnings(audit)]
    everything += [Remark("note", note) for note in found.notes]
    return sorted(everything, key=lambda remark: ("bad", "warn", "note", "good").index(remark.level))


def sentence(line: str) -> str:
    """Begin with a capital and end with a full stop.

    >>> sentence("3 groups stand in two parts"), sentence("no groups are known.")
    ('3 groups stand in two parts.', 'No groups are known.')
    """
    return line[:1].upper() + line[1:].rstrip(".") + "."


def _leaks(audit: Mapping[str, Any]) -> Iterator[Remark]:
    counts = [audit.get(name) for name in LEAKS]
    if not all(isinstance(count, int) for count in counts):
        return
    groups, exact, near = counts
    seen = f"{groups} groups, {exact} exact and {near} near duplicates stand in two parts"
    if any(counts):
        yield Remark("bad", f"Parts are not apart: {seen}, so the scores may be too good.")
    else:
        yield Remark("good", f"The parts are apart: {seen}.")


def _shortcuts(audit: Mapping[str, Any], found: Findings) -> Iterator[Remark]:
    known = [audit.get(name) for name in ("shortcut_auc", "shortcut_auc_official")]
    files = max((float(auc) for auc in known if isinstance(auc, int | float)), default=None)
    model = found.estimates.scores.get(("auc",))
    if files is None:
        return
    if files < TELLING:
        yield Remark("good", f"The size and format of the files hardly tell the class: ROC AUC {files:.2f}.")
    elif model is not None:
        text = f"The size and format of the files alone reach a ROC AUC of {files:.2f}, this model {model.value:.2f}"
        if files >= model.value:
            yield Remark("bad", f"{text}: such a score can be had without opening an image.")
        else:
            yield Remark("warn", f"{text}: part of its score may come from there.")


def _warnings(audit: Mapping[str, Any]) -> Iterator[Remark]:
    """Pass the audit's own warnings on, without those that count the leaks once more."""
    told = tuple(f"{audit[name]} " for name in LEAKS if audit.get(name))
    for line in audit.get("warnings") or ():
        if not str(line).startswith(told):
            yield Remark("warn", sentence(str(line)))
