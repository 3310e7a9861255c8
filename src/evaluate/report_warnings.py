"""What a reader must know before trusting the scores: from the audit of the split, then from the evaluation."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from src.evaluate.results import Results
from src.metrics.predictions import Scored

SHORTCUT = 0.6  # from this ROC AUC on a shortcut is compared with the model
FEW = 10  # with fewer groups of a class in test, its scores say little
COPY = 0.8  # similarity of frozen features; unrelated images of the data sets in docs/metrics.md stay below it
LEAKS = ("groups_in_two_parts", "exact_duplicates", "near_duplicates")


Level = Literal["bad", "warn", "note", "good"]  # the most serious first
WORDS: dict[Level, str] = {"bad": "Danger:", "warn": "Warning:", "note": "Note:", "good": "Fine:"}


class Notice(NamedTuple):
    """A sentence and how serious it is."""

    level: Level
    text: str


def notices(
    audit: Mapping[str, Any], results: Results, losses: Iterable[str] = (), probe: Mapping[str, Any] | None = None
) -> list[Notice]:
    """List findings of the audit and the probe, notes on the scores, and files left out; the most serious first."""
    if audit:
        everything = list(_audit(audit, results))
    else:
        everything = [Notice("warn", "There is no audit of the split: nobody has looked for leaks between the parts.")]
    everything += [*_probe(probe or {}, results), *_copies(probe or {})]
    everything += [Notice("warn", sentence(line)) for line in small_classes(results.test)]
    everything += [Notice("note", note) for note in (*results.notes, *map(sentence, losses))]
    return sorted(everything, key=lambda notice: get_args(Level).index(notice.level))


def small_classes(test: Scored) -> list[str]:
    """Return a line for each class that has fewer than FEW groups (images, if none are known) in test."""
    lines = []
    for number, name in enumerate(test.classes):
        here = test.labels == number
        images, groups = int(here.sum()), len(np.unique(test.groups[here]))
        if 0 < groups < FEW:
            counted = (
                f"{images} image" + "s" * (images > 1) + (f" of {groups} group" + "s" * (groups > 1)) * test.grouped
            )
            lines.append(
                f"test holds only {counted} of {name}: its scores say little; use more images or a larger split.test"
            )
    return lines


def sentence(line: str) -> str:
    """Begin with a capital and end with a full stop.

    >>> sentence("3 groups stand in two parts"), sentence("no groups are known.")
    ('3 groups stand in two parts.', 'No groups are known.')
    """
    return line[:1].upper() + line[1:].rstrip(".") + "."


def _audit(audit: Mapping[str, Any], results: Results) -> Iterator[Notice]:
    """Report the number of leaks with the audit's advice, each advice once, then its other warnings."""
    found = tuple(f"{audit[name]} " for name in LEAKS if audit.get(name))
    lines = [str(line) for line in audit.get("warnings") or ()]
    if all(isinstance(audit.get(name), int) for name in LEAKS):
        groups, exact, near = (audit[name] for name in LEAKS)
        counted = f"{groups} groups, {exact} exact and {near} near duplicates stand in two parts"
        advice = dict.fromkeys(line.partition("; ")[2] for line in lines if line.startswith(found) and "; " in line)
        steps = f": {'; '.join(advice)}" if advice else ""
        if found:
            yield Notice("bad", f"Parts are not apart: {counted}, so the scores may be too good{steps}.")
        else:
            yield Notice("good", f"The parts are apart: {counted}.")
    yield from _shortcuts(audit, results)
    yield from (Notice("warn", sentence(line)) for line in lines if not line.startswith(found))


def _shortcuts(audit: Mapping[str, Any], results: Results) -> Iterator[Notice]:
    known = [audit.get(name) for name in ("shortcut_auc", "shortcut_auc_official")]
    files = max((float(auc) for auc in known if isinstance(auc, int | float)), default=None)
    model = results.estimates.scores.get(("auc",))
    if files is None:
        return
    if files < SHORTCUT:
        yield Notice("good", f"The size and format of the files hardly predict the class: ROC AUC {files:.2f}.")
    elif model is not None:
        text = f"The size and format of the files alone reach a ROC AUC of {files:.2f}, this model {model.value:.2f}"
        if files >= model.value:
            yield Notice("bad", f"{text}: such a score can be had without opening an image.")
        else:
            yield Notice("warn", f"{text}: part of its score may come from there.")


def _probe(probe: Mapping[str, Any], results: Results) -> Iterator[Notice]:
    """Compare the model with a linear probe on the same images."""
    simple, model = probe.get("probe", {}).get("auc", {}).get("value"), results.estimates.scores.get(("auc",))
    if simple is None or model is None:
        return
    text = f"a linear probe on features learned from photographs: ROC AUC {model.value:.2f} against {simple:.2f}"
    if model.value > simple:
        yield Notice("good", f"This model beats {text}.")
    else:
        hint = "learned weights (model.name: efficientnet_lite0), more epochs or more images may help"
        yield Notice("warn", f"This model does not beat {text}, on the same test images; {hint}.")


def _copies(probe: Mapping[str, Any]) -> Iterator[Notice]:
    """Name pairs of a train and a test image whose features are almost the same, though no hash of pixels matches."""
    found = [pair for pair in probe.get("alike", ()) if pair["similarity"] >= COPY]
    if not found:
        return
    pairs = [
        f"{pair['test']} and {pair['train']} ({pair['similarity']:.2f}{f', labels {one} and {other}' * (one != other)})"
        for pair in found
        for other, one in [pair["labels"]]
    ]
    text = f"By learned features a test image is nearly a train image: {'; '.join(pairs)}"
    yield Notice("warn", f"{text}; look at them: correct their labels, or name both in one group.")
