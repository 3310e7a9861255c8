"""Who won when the best trials were trained again over several seeds, and whether that is more than chance.

The interval of a mean over seeds is Student's t interval, since there are few values, each from a training of its own.
It covers the chance in training, but not the choice of val images. The interval of the gain is Bonferroni-corrected,
because the winner is the best of several, one of which is ahead by chance alone. The mean gain leaves out the first
seed, with which the search chose the trial.
"""

import difflib
import io
import math
import shlex
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from src.config import load, parse
from src.config.overrides import canonical, short, with_values
from src.core import files, nested, yaml_file
from src.core.errors import AssayError
from src.core.paths import PARAMS, Confirmed
from src.metrics.objectives import better
from src.tune.trials_view import BASELINE, cell

Values = Mapping[str, Any]
Result = dict[str, Any]  # {"scores": {...}} or {"failed": reason}
DECIMALS = 6
SAME = 1e-9  # two gains that differ by no more than this, relative or absolute, differ only by rounding
NOT_APPLIED = f"{PARAMS}: kept as it is, none of them has a better mean"
NEXT = "now: dvc repro"


@dataclass(frozen=True)
class Interval:
    """A mean with Student's t interval; no bounds if all values are equal, which tells nothing about chance."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Candidate:
    """A trial or the baseline: for each metric the values, in the order of the seeds, and their mean.

    reasons: why trainings failed; if one failed, there are no means. left: why it was not trained with all seeds.
    """

    name: str
    values: Values
    scores: Mapping[str, tuple[float | None, ...]]
    means: Mapping[str, Interval]
    reasons: tuple[str, ...] = ()
    left: str = ""

    @classmethod
    def of(
        cls, name: str, values: Values, results: Sequence[Result], metric: Sequence[str], confidence: float, left: str
    ) -> "Candidate":
        """Summarize results that are in the order of the seeds."""
        scores = {each: tuple(result.get("scores", {}).get(each) for result in results) for each in metric}
        reasons = tuple(result["failed"] for result in results if "failed" in result)
        means = {} if reasons else {each: interval(scores[each], confidence) for each in metric}
        return cls(name, values, scores, means, reasons, left)


@dataclass(frozen=True)
class Outcome:
    """The winner by the mean of the first metric, and the baseline over the same seeds.

    gain: winner minus baseline, seed by seed, with an interval that is corrected for the best of all candidates. Its
    mean leaves out the first seed, with which the search chose the winner.
    """

    metric: tuple[str, ...]
    seeds: tuple[int, ...]
    candidates: tuple[Candidate, ...]
    baseline: Candidate
    winner: Candidate | None
    gain: Interval | None

    @property
    def ahead(self) -> bool:
        """True if the mean gain of the winner is on the better side, even if only by chance."""
        return self.gain is not None and better(self.metric[0], self.gain.mean, 0.0)

    @property
    def beats_baseline(self) -> bool:
        """True if the whole interval of the gain is on the better side."""
        return self.gain is not None and beyond(self.metric[0], self.gain) == "better"


def decide(
    metric: tuple[str, ...],
    seeds: tuple[int, ...],
    baseline: Candidate,
    candidates: Sequence[Candidate],
    confidence: float,
) -> Outcome:
    """Name the candidate with the best mean of the first metric over all seeds, the first of equal ones.

    If all have left the race, it is the best of these.
    """
    first = metric[0]
    winner: Candidate | None = None
    whole = [one for one in candidates if one.means and not one.left]
    for one in whole or [one for one in candidates if one.means]:
        if winner is None or better(first, one.means[first].mean, winner.means[first].mean):
            winner = one
    gain = None
    if winner and baseline.means:
        pairs = zip(winner.scores[first], baseline.scores[first], strict=False)  # seeds that both have
        gains = [one - other for one, other in pairs if one is not None and other is not None]
        gain = interval(gains, 1 - (1 - confidence) / len(candidates), chosen_by=1)
    return Outcome(metric, seeds, tuple(candidates), baseline, winner, gain)


def interval(values: Sequence[float], confidence: float, chosen_by: int = 0) -> Interval:
    """Return the mean with Student's t interval.

    chosen_by: how many of the first values chose the candidate. They are too good, so they count only for the standard
    deviation, not for the mean, unless there are no others.

    >>> interval([0.5, 0.5, 0.5], 0.95)
    Interval(mean=0.5, low=None, high=None)
    """
    from scipy.special import stdtrit  # imported here, since SciPy adds a second of start-up

    counted = values[chosen_by:] or values
    mean = math.fsum(counted) / len(counted)
    if all(math.isclose(value, mean, rel_tol=SAME, abs_tol=SAME) for value in values):
        return Interval(mean, None, None)
    quantile = float(stdtrit(len(values) - 1, (1 + confidence) / 2))
    half = quantile * statistics.stdev(values) / math.sqrt(len(counted))
    return Interval(mean, mean - half, mean + half)


def described(outcome: Outcome) -> str:
    """Describe in a few lines who won over the seeds, and by how much."""
    first, *others = outcome.metric
    lines = [f"over {len(outcome.seeds)} seeds, {first} on val (baseline: {PARAMS} as the study found it):"]
    for one in (outcome.baseline, *outcome.candidates):
        means = [f", {name} {short(one.means[name].mean)}" for name in others if name in one.means]
        said = _text(one.means[first]) if one.means else f"failed: {one.reasons[0]}"
        left = f"; left the race: {one.left}" if one.left and one.means else ""
        lines.append("".join([f"  {one.name}: {said}", *means, left]))
    if outcome.winner and outcome.winner.left:
        lines.append("no trial is confirmed: none of the best is better than the baseline on the seed that chose it")
    elif outcome.winner and outcome.gain:
        lines.append(f"{outcome.winner.name} against the baseline: {verdict(first, outcome.gain)}")
    return "\n".join(lines)


def verdict(metric: str, gain: Interval) -> str:
    """Describe a gain and what its interval says about it.

    >>> verdict("auc", Interval(-0.2, -0.3, -0.1)), verdict("log_loss", Interval(-0.2, -0.3, 0.1))
    ('-0.2000 [-0.3000, -0.1000], worse beyond its interval', '-0.2000 [-0.3000, +0.1000], within chance')
    """
    side = beyond(metric, gain)
    words = f"{side} beyond its interval" if side else "within chance"
    if gain.low is None:
        words = "no interval, since every seed gave the same gain: it may be chance"
    return f"{_text(gain, '+.4f')}, {words}"


def beyond(metric: str, gain: Interval) -> str:
    """Return "better" or "worse" if the whole interval of a gain lies on that side, else ""."""
    if gain.low is None or gain.high is None:
        return ""
    ends = gain.low, gain.high
    if all(better(metric, end, 0.0) for end in ends):
        return "better"
    return "worse" if all(better(metric, 0.0, end) for end in ends) else ""


def write_outcome(outcome: Outcome, out: Confirmed) -> None:
    """Write confirm.csv, a row per training, and best.yaml, the winner beside the baseline."""
    rows = [[one.name, seed, *scores]
            for one in (outcome.baseline, *outcome.candidates)
            for seed, *scores in zip(outcome.seeds, *one.scores.values(), strict=False)]  # fmt: skip
    files.write_csv(out.table, ["name", "seed", *outcome.metric], ([cell(value) for value in row] for row in rows))
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    found: dict[str, Any] = {"metric": list(outcome.metric), "seeds": list(outcome.seeds)}
    if outcome.winner:
        found["winner"] = {"name": outcome.winner.name, "values": dict(outcome.winner.values), **_means(outcome.winner)}
    found[BASELINE] = _means(outcome.baseline)
    if outcome.gain:
        found["gain"] = _rounded(outcome.gain)
    yaml.dump(found | {"beats_baseline": outcome.beats_baseline}, text)
    files.write_text(out.best, text.getvalue())


def _means(one: Candidate) -> dict[str, Any]:
    means = {name: _rounded(mean) for name, mean in one.means.items()}
    return means | ({"failed": list(one.reasons)} if one.reasons else {})


def _rounded(interval: Interval) -> dict[str, float]:
    ends = {"value": interval.mean, "low": interval.low, "high": interval.high}
    return {name: round(value, DECIMALS) for name, value in ends.items() if value is not None}


def from_file(path: Path, *, write: bool, told: bool = False) -> str:
    """Describe the winner that best.yaml names, and write it into params.yaml or say how to.

    told: the verdict has already been printed.

    Raises:
        AssayError: the file is missing, no confirmation wrote it, or params.yaml cannot be changed.
    """
    found = yaml_file.read(path, "`make tune` writes it")
    if not isinstance(found, dict) or not {"metric", BASELINE, "beats_baseline"} <= set(found):
        raise AssayError(f"{path}: expected a best.yaml that a confirmation wrote")
    winner, gain, metric = found.get("winner"), found.get("gain"), found["metric"][0]
    if not winner:
        return f"{path}: no winner, since every training of every candidate failed"
    if not gain or not better(metric, gain["value"], 0.0):
        return f"{path}: {winner['name']} is the best of the candidates; {NOT_APPLIED}"
    values = ", ".join(f"{name} {canonical(value)}" for name, value in winner["values"].items())
    lines = [f"{path}: {winner['name']} wins with {values}"]
    if not told:
        said = verdict(metric, Interval(gain["value"], gain.get("low"), gain.get("high")))
        lines.append(f"{metric} against the baseline: {said}")
    if write:
        return "\n".join([*lines, apply(PARAMS, winner["values"]), NEXT])
    again = f"python -m src.tune --winner {shlex.quote(str(path))} --apply"
    return "\n".join([*lines, f"{again} writes it into {PARAMS}; then: dvc repro"])


def apply(path: Path, values: Mapping[str, Any]) -> str:
    """Write values into a params file, and return the changes as a unified diff, which is empty if there are none.

    Raises:
        AssayError: the file is missing or invalid, or is written in a way that does not allow the change.
    """
    load(path)
    before = path.read_text(encoding="utf-8")
    after = replaced(before, values, str(path))
    if after != before:
        files.write_text(path, after)
    texts = before.splitlines(True), after.splitlines(True)
    return "".join(difflib.unified_diff(*texts, path.name, f"{path.name} with the winner", n=1))


def replaced(text: str, values: Mapping[str, Any], where: str = "params.yaml") -> str:
    """Return the text of a params file with other values, as `dvc exp run -S` would leave it.

    Raises:
        AssayError: the result would be wrong, for example if two keys share a value through an anchor.
    """
    now = parse(yaml_file.parsed(text, where), where).model_dump(mode="json")
    wanted, before = with_values(now, values), dict(nested.flat(now))
    changes = {
        name: value
        for name, value in sorted(nested.flat(wanted))
        if name not in before or canonical(before[name]) != canonical(value)
    }
    changed = yaml_file.put_all(text, changes)
    if parse(yaml_file.parsed(changed, where), where).model_dump(mode="json") != wanted:
        pairs = ", ".join(f"{name}: {canonical(value)}" for name, value in changes.items())
        raise AssayError(f"{where}: could not be changed without changing other keys; edit by hand: {pairs}")
    return changed


def _text(found: Interval, form: str = ".4f") -> str:
    bounds = "" if found.low is None or found.high is None else f" [{found.low:{form}}, {found.high:{form}}]"
    return f"{found.mean:{form}}{bounds}"
