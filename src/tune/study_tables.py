"""What a study found, as tables that are the same for the same trials: seconds and times are for MLflow only."""

import io
import json
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML

from src.core import files
from src.core.errors import AssayError
from src.core.paths import Confirmed, StudyFiles
from src.tracking.record import Trial
from src.tune.metric import direction
from src.tune.trials_view import TrialsView
from src.tune.winner import BASELINE, Candidate, Interval, Outcome

DECIMALS = 6


def write_trials(view: TrialsView, out: StudyFiles) -> None:
    """Write trials.csv: number, state, each metric, each parameter, epochs, best_epoch, reason, reused_from."""
    columns = ["number", "state", *view.goals, *view.space, "epochs", "best_epoch", "reason", "reused_from"]
    files.write_csv(out.trials, columns, (_row(trial, view) for trial in view.trials))


def write_candidates(view: TrialsView, out: StudyFiles) -> None:
    """Write candidates.json: the study's name, its baseline, and number, values and exact scores of complete trials."""
    trials = [{"number": one.number, "values": dict(one.params), "scores": [one.values[name] for name in view.goals]}
              for one in view.complete()]  # fmt: skip
    files.write_json(out.candidates, {"study": view.name, BASELINE: dict(view.baseline), "trials": trials})


def read_candidates(out: StudyFiles, metrics: Sequence[str]) -> TrialsView:
    """Read what `write_candidates` wrote.

    Raises:
        AssayError: it is not there, or its scores are not those of the metrics.
    """
    found = files.read_json(out.candidates)
    if any(len(one["scores"]) != len(metrics) for one in found["trials"]):
        raise AssayError(f"{out.candidates}: expected scores of {', '.join(metrics)}; run the search again")
    trials = tuple(
        Trial(one["number"], "complete", one["values"], dict(zip(metrics, one["scores"], strict=True)))
        for one in found["trials"]
    )
    goals = {metric: direction(metric) for metric in metrics}
    return TrialsView(found["study"], goals, trials, baseline=found[BASELINE])


def write_outcome(outcome: Outcome, out: Confirmed) -> None:
    """Write confirm.csv, a row per training, and best.yaml, the winner beside the baseline."""
    rows = [[one.name, seed, *(one.scores[each][place] for each in outcome.metric)]
            for one in (outcome.baseline, *outcome.candidates)
            for place, seed in enumerate(outcome.seeds)]  # fmt: skip
    files.write_csv(out.table, ["name", "seed", *outcome.metric], ([_cell(cell) for cell in row] for row in rows))
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(_best(outcome), text)
    files.write_text(out.best, text.getvalue())


def _row(trial: Trial, view: TrialsView) -> list[str]:
    cells: list[Any] = [trial.number, trial.state]
    cells += [trial.values.get(name) for name in view.goals]
    cells += [trial.params.get(name, "") for name in view.space]
    cells += [len(trial.rows) or None, trial.best_epoch, trial.reason, trial.reused_from]
    return [_cell(cell) for cell in cells]


def _best(outcome: Outcome) -> dict[str, Any]:
    """Describe the winner, or say that there is none, and the baseline over the same seeds."""
    found: dict[str, Any] = {"metric": list(outcome.metric), "seeds": list(outcome.seeds)}
    if outcome.winner:
        found["winner"] = {"name": outcome.winner.name, "values": dict(outcome.winner.values), **_means(outcome.winner)}
    found[BASELINE] = _means(outcome.baseline)
    if outcome.gain:
        found["gain"] = _interval(outcome.gain)
    return found | {"beats_baseline": outcome.beats_baseline}


def _means(one: Candidate) -> dict[str, Any]:
    means = {name: _interval(mean) for name, mean in one.means.items()}
    return means | ({"failed": list(one.reasons)} if one.reasons else {})


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
