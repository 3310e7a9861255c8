"""What a study found, as tables that are the same for the same trials: seconds and times are for MLflow only."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML

from src import files
from src.paths import Confirmed, Study
from src.tuning.confirming import Candidate
from src.tuning.outcome import Interval, Outcome, Rival
from src.tuning.seen import Seen, Trial

DECIMALS = 6


def write_trials(seen: Seen, out: Study) -> None:
    """Write trials.csv: number, state, each metric, each parameter, epochs, best_epoch, reason, reused_from."""
    columns = ["number", "state", *seen.goals, *seen.space, "epochs", "best_epoch", "reason", "reused_from"]
    _write_csv([columns, *(_row(trial, seen) for trial in seen.trials)], out.trials)


def write_candidates(seen: Seen, out: Study) -> None:
    """Write candidates.json: the study's name, its preset, and number, values and exact scores of complete trials."""
    trials = [{"number": one.number, "values": dict(one.params), "scores": [one.values[name] for name in seen.goals]}
              for one in seen.having("complete")]  # fmt: skip
    files.write_json(out.candidates, {"study": seen.name, "preset": dict(seen.began), "trials": trials})


def read_candidates(out: Study) -> tuple[str, dict[str, Any], list[Candidate]]:
    """Read what `write_candidates` wrote: the study's name, its preset, and its complete trials.

    Raises:
        AssayError: it is not there.
    """
    found = files.read_json(out.candidates)
    trials = [Candidate(one["number"], one["values"], tuple(one["scores"])) for one in found["trials"]]
    return found["study"], found["preset"], trials


def write_outcome(outcome: Outcome, out: Confirmed) -> None:
    """Write confirm.csv, a row per training, and best.yaml, the winner beside the preset."""
    rows = [[name, seed, *(rival.scores[each][place] for each in outcome.metric)]
            for name, rival in [(one.name, one) for one in (outcome.preset, *outcome.candidates)]
            for place, seed in enumerate(outcome.seeds)]  # fmt: skip
    _write_csv([["name", "seed", *outcome.metric], *([_cell(cell) for cell in row] for row in rows)], out.table)
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(_best(outcome), text)
    files.write_text(out.best, text.getvalue())


def _row(trial: Trial, seen: Seen) -> list[str]:
    cells: list[Any] = [trial.number, trial.state]
    cells += [trial.values.get(name) for name in seen.goals]
    cells += [trial.params.get(name, "") for name in seen.space]
    cells += [len(trial.rows) or None, trial.best_epoch, trial.reason, trial.reused_from]
    return [_cell(cell) for cell in cells]


def _best(outcome: Outcome) -> dict[str, Any]:
    """Describe the winner, or say that there is none, and the preset over the same seeds."""
    found: dict[str, Any] = {"metric": list(outcome.metric), "seeds": list(outcome.seeds)}
    if outcome.winner:
        found["winner"] = {"name": outcome.winner.name, "values": dict(outcome.winner.values), **_means(outcome.winner)}
    found["preset"] = _means(outcome.preset)
    if outcome.gain:
        found["gain"] = _interval(outcome.gain)
    return found | {"beats_preset": outcome.beaten}


def _means(rival: Rival) -> dict[str, Any]:
    means = {name: _interval(mean) for name, mean in rival.means.items()}
    return means | ({"failed": list(rival.reasons)} if rival.reasons else {})


def _interval(interval: Interval) -> dict[str, float]:
    ends = {"value": interval.mean, "low": interval.low, "high": interval.high}
    return {name: round(value, DECIMALS) for name, value in ends.items() if value is not None}


def _cell(value: Any) -> str:
    """Write a value so that it can be read again: a number with as many digits as tell it apart."""
    match value:
        case None:
            return ""
        case bool() | list() | tuple() | dict():
            return json.dumps(value, ensure_ascii=False)
        case float():
            return f"{value:.8g}"
        case _:
            return " ".join(str(value).splitlines())


def _write_csv(rows: Sequence[Sequence[Any]] | Sequence[Mapping[str, Any]], path: Any) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    files.write_text(path, text.getvalue())
