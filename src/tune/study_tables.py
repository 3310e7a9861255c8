"""What a study found, as tables that are the same for the same trials: seconds and times are for MLflow only."""

import json
from collections.abc import Sequence
from typing import Any

from src.core import files
from src.core.errors import AssayError
from src.core.paths import StudyFiles
from src.executors.metric import direction
from src.tracking.record import Trial
from src.tune.trials_view import TrialsView

BASELINE = "baseline"  # what candidates.json, confirm.csv, best.yaml and MLflow call what the study started from


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


def _row(trial: Trial, view: TrialsView) -> list[str]:
    cells: list[Any] = [trial.number, trial.state]
    cells += [trial.values.get(name) for name in view.goals]
    cells += [trial.params.get(name, "") for name in view.space]
    cells += [len(trial.rows) or None, trial.best_epoch, trial.reason, trial.reused_from]
    return [cell(value) for value in cells]


def cell(value: Any) -> str:
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
