"""Who won over the seeds, said to a person, and brought into params.yaml from what a confirmation wrote."""

import logging
from pathlib import Path
from typing import Any

from src import yaml_reading
from src.errors import AssayError
from src.params import load
from src.paths import PARAMS
from src.tuning import applying, scoring, showing
from src.tuning.outcome import Interval, Outcome
from src.tuning.settings import canonical

log = logging.getLogger(__name__)
KEPT = f"{PARAMS}: kept as it is, none of them has a better mean"
NEXT = "now: dvc repro"
BEYOND, WITHIN = "beyond its interval", "which its interval does not tell from chance"


def judged(outcome: Outcome) -> str:
    """Say who won over the seeds, and by how much."""
    first, *others = outcome.metric
    lines = [f"over {len(outcome.seeds)} seeds, {first} on val (the preset is {PARAMS} as the study found it):"]
    for one in (outcome.preset, *outcome.candidates):
        means = [f", {name} {showing.short(one.means[name].mean)}" for name in others if name in one.means]
        said = _interval(one.means[first]) if one.means else f"failed: {one.reasons[0]}"
        lines.append("".join([f"  {one.name}: {said}", *means]))
    if outcome.winner and outcome.gain:
        beyond = BEYOND if outcome.beaten else WITHIN
        lines.append(f"{outcome.winner.name} against the preset: {_interval(outcome.gain, '+.4f')}, {beyond}")
    return "\n".join(lines)


def _interval(found: Interval, form: str = ".4f") -> str:
    bounds = "" if found.low is None or found.high is None else f" [{found.low:{form}}, {found.high:{form}}]"
    return f"{found.mean:{form}}{bounds}"


def log_progress(done: int, total: int) -> None:
    """Say how many of the trainings over the seeds are done."""
    log.info("confirming: %d of %d trainings", done, total)


def kept(path: Path, *, apply: bool, again: str) -> str:
    """Tell the winner that best.yaml names, and put it into params.yaml or say how to.

    again: the command that puts it there.

    Raises:
        AssayError: there is no such file, it is none of ours, or params.yaml cannot be changed.
    """
    found = _read(path)
    winner, gain = found.get("winner"), found.get("gain")
    if not winner:
        return f"{path}: no winner, since every training of every candidate failed"
    if not gain or not scoring.better(found["metric"][0], gain["value"], 0.0):
        return f"{path}: {winner['name']} is the best of the candidates; {KEPT}"
    values = ", ".join(f"{name} {canonical(value)}" for name, value in winner["values"].items())
    beyond = BEYOND if found["beats_preset"] else WITHIN
    lines = [f"{path}: {winner['name']} wins with {values}", f"{found['metric'][0]} {gain['value']:+.4f}, {beyond}"]
    if apply:
        return "\n".join([*lines, applying.apply(PARAMS, winner["values"], load(PARAMS).model_dump(mode="json")), NEXT])
    return "\n".join([*lines, f"{again} writes it into {PARAMS}; then: dvc repro"])


def _read(path: Path) -> dict[str, Any]:
    found = yaml_reading.read(path, "`make tune` writes it")
    if not isinstance(found, dict) or not {"metric", "preset", "beats_preset"} <= set(found):
        raise AssayError(f"{path}: expected a best.yaml that a confirmation wrote")
    return found
