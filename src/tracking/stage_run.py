"""Records of a training, its evaluation and its bundle, created from what the stages wrote."""

import html
import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from src import config
from src.config.overrides import with_values
from src.core import nested, paths
from src.core.files import read_csv, read_json, write_json
from src.tracking import fingerprint, outbox, query, run_description
from src.tracking.fingerprint import Fingerprint
from src.tracking.mlflow_store import reason
from src.tracking.record import SCORES, Kind, LoggedModel, Record, history, once
from src.tracking.run_description import Commit

RUN = re.compile("<!-- run -->.*?<!-- /run -->", re.DOTALL)  # in the report
BESIDE = ("probe.auc", "shortcut_auc")  # compared with the model's score in the table of runs
HEADLINES = {"test.auc": "ROC AUC", "test.accuracy": "accuracy"}
SCORES_TAG = {"mlflow.loggedArtifacts": json.dumps([{"path": SCORES, "type": "table"}])}

log = logging.getLogger(__name__)


def _now() -> int:
    return int(time.time() * 1000)


def _texts() -> dict[str, str]:
    """Read what may hold secrets, for texts of a run, which are redacted."""
    found = (path for path in (paths.PARAMS, Path("dvc.yaml")) if path.is_file())
    return {path.name: path.read_text(encoding="utf-8") for path in found}


@dataclass
class Execution:
    """When a stage ran (milliseconds since 1970), its code and params.yaml at the start, and what it measured.

    Measurements vary from run to run, so they go to MLflow and never into an output of DVC. If the stage is not
    `fresh`, DVC restored its outputs, and it is unknown when it ran. A training knows its fingerprint from the start.
    """

    fingerprint: str = ""
    fresh: bool = True
    settings: config.Params = field(default_factory=config.load)
    commit: Commit = field(default_factory=run_description.read_commit)
    texts: Mapping[str, str] = field(default_factory=_texts)
    start: int = field(default_factory=_now)
    end: int = field(default_factory=_now)
    measured: dict[str, float] = field(default_factory=dict)

    def measure(self, **values: float) -> None:
        """Record numbers such as seconds and images per second; zeros are ignored."""
        self.measured |= {key: value for key, value in values.items() if value}


@contextmanager
def training() -> Iterator[Execution]:
    """Track a training; after the block has written the model, write the file with its fingerprint.

    Raises:
        AssayError: an input that dvc.yaml lists is missing.
    """
    inputs = fingerprint.compute("train")
    execution = Execution(inputs.sha256)
    yield execution
    write_json(paths.MODEL.fingerprint, asdict(inputs))
    _track("train", execution)


@contextmanager
def stage(kind: Kind) -> Iterator[None]:
    """Track an evaluation or a bundle in the run of its training; create a missing run from DVC's outputs."""
    execution = Execution()
    yield
    _track(kind, execution)


def record() -> bool:
    """Create the run of the outputs in build/ if MLflow has none, so that outputs restored by DVC are tracked too.

    Returns whether MLflow holds the run.

    Raises:
        AssayError: nothing was trained or evaluated here.
    """
    kind: Kind = "export" if paths.BUNDLE.description.is_file() else "evaluate"
    inputs, execution = fingerprint.read(paths.MODEL.fingerprint), Execution(fresh=False)
    described = RECORDS[kind](inputs, execution)
    if query.holds(paths.home(), described):
        log.info("MLflow: run %s is already there", described.name)
        return True
    return outbox.deliver([*_earlier(kind, inputs, execution), described], paths.home())


def _track(kind: Kind, execution: Execution) -> None:
    execution.end = _now()
    try:
        inputs = fingerprint.read(paths.MODEL.fingerprint)
        records = [*_earlier(kind, inputs, execution), RECORDS[kind](inputs, execution)]
    except Exception as error:  # the stage's outputs are valid even if they cannot be described
        log.debug("no record", exc_info=True)
        log.warning("Not tracked, outputs are complete: %s", reason(error))
        return
    outbox.deliver(records, paths.home())


def _earlier(kind: Kind, inputs: Fingerprint, execution: Execution) -> Iterator[Record]:
    """Yield records of the outputs of earlier stages, for a run that does not hold them yet."""
    before = replace(execution, fresh=False, start=execution.end, measured={})
    for each in list(RECORDS)[: list(RECORDS).index(kind)]:
        try:
            yield RECORDS[each](inputs, before)
        except Exception as error:  # the run usually holds it already; this stage's own record still counts
            log.debug("no record", exc_info=True)
            log.warning("MLflow: the outputs of %s cannot be described again: %s", each, reason(error))


def _training(inputs: Fingerprint, execution: Execution) -> Record:
    settings, commit = execution.settings, execution.commit
    data = run_description.dataset(inputs, settings)
    how = "training" if execution.fresh else "outputs restored by DVC"
    model = [paths.MODEL.history, paths.MODEL.fingerprint, paths.MODEL.classes]
    before = (paths.PREPARED.sheet, paths.PREPARED.rejected, paths.SPLIT.sheet, paths.SPLIT.audit)
    return _record(
        "train",
        inputs,
        execution,
        tags={
            **run_description.origin(how, "stages/train.py", commit, settings),
            **run_description.note([run_description.summary(settings, data)], commit),
        },
        metrics=[
            *history(read_csv(paths.MODEL.history), execution.start, execution.end),
            *once(execution.measured, execution.end),
        ],
        files={path.name: path for path in model + [paths.MODEL.model] * settings.track.model}
        | {f"data/{path.name}": path for path in before},
        texts={**run_description.texts(commit), **execution.texts},
        dataset=data,
    )


def _evaluation(inputs: Fingerprint, execution: Execution) -> Record:
    settings, out = execution.settings, paths.EVALUATION
    scores = score_table(_read(out.metrics), _read(paths.PROBE.scores), _read(paths.SPLIT.audit))
    beside = {f"{name.replace('.', '_')}": scores[name][0] for name in BESIDE if name in scores}
    table = {"columns": ["score", "value", "low", "high"], "data": [[name, *row] for name, row in scores.items()]}
    headlines = {title: scores[name] for name, title in HEADLINES.items() if name in scores}
    reached = ", ".join(f"{title} {query.interval(*score)}" for title, score in headlines.items())
    data = run_description.dataset(inputs, settings)
    return _record(
        "evaluate",
        inputs,
        execution,
        tags={
            **run_description.model_hash(),
            **run_description.note([run_description.summary(settings, data), f"Test: {reached}."], execution.commit),
            **SCORES_TAG,
        },
        metrics=once({**_read(out.summary), **beside}, execution.end),
        files={path.name: path for path in (out.metrics, out.predictions, out.classification, out.layers)}
        | {f"figures/{path.name}": path for path in sorted(out.figures.glob("*"))},
        texts={SCORES: json.dumps(table), **_report(inputs, execution)},
    )


def _export(inputs: Fingerprint, execution: Execution) -> Record:
    folder, track = paths.BUNDLE.folder, execution.settings.track
    model = LoggedModel(folder, fingerprint.digest(folder), track.register) if track.model else None
    return _record("export", inputs, execution, files={paths.BUNDLE.card.name: paths.BUNDLE.card}, model=model)


RECORDS: dict[Kind, Callable[[Fingerprint, Execution], Record]] = {
    "train": _training,
    "evaluate": _evaluation,
    "export": _export,
}


def _record(kind: Kind, inputs: Fingerprint, execution: Execution, **parts: Any) -> Record:
    """Return a record with the fields that all stages share, and the given parts of this stage."""
    settings = execution.settings
    # What params.yaml says now of the training, which an edit may have changed since, is not what was trained.
    trained = with_values(settings.model_dump(mode="json"), dict(nested.flat(inputs.params)))
    return Record(
        kind=kind,
        fingerprint=inputs.sha256,
        experiment=settings.track.experiment,
        name=run_description.run_name(settings, inputs, execution.commit),
        start=execution.start,
        end=execution.end,
        fresh=execution.fresh,
        params=run_description.values(config.parse(trained)),
        **parts,
    )


def _report(inputs: Fingerprint, execution: Execution) -> dict[str, str]:
    """Return the report for MLflow, with run name, time and commit, which an output of DVC must not contain."""
    if not (page := paths.EVALUATION.report).is_file():
        return {}
    name, commit = run_description.run_name(execution.settings, inputs, execution.commit), execution.commit
    ended = datetime.fromtimestamp(execution.end / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    code = f", commit {commit.commit[:12]}{' with changes' * commit.dirty}" if commit.commit else ""
    facts = html.escape(f"{name}, {ended}{code}")
    return {page.name: RUN.sub(lambda _: facts, page.read_text(encoding="utf-8"))}


def _read(path: Path) -> dict[str, Any]:
    return dict(read_json(path)) if path.is_file() else {}


def score_table(*trees: Mapping[str, Any]) -> dict[str, tuple[float, float | None, float | None]]:
    """Return value, low and high of every number in metrics.json, probe.json and audit.json, by dotted name.

    >>> score_table({"threshold": 0.4, "test": {"auc": {"value": 0.9, "low": 0.8, "high": 1.0}}})
    {'threshold': (0.4, None, None), 'test.auc': (0.9, 0.8, 1.0)}
    """
    cells = {key: value for tree in trees for key, value in nested.flat(tree) if isinstance(value, int | float)}
    own = {key.removesuffix(".value"): value for key, value in cells.items() if not key.endswith((".low", ".high"))}
    return {name: (value, cells.get(f"{name}.low"), cells.get(f"{name}.high")) for name, value in own.items()}


def obstacle() -> str:
    """Return why build/ cannot become a run of the current code and params.yaml, or "" if it can."""
    if missing := [path for path in (paths.MODEL.fingerprint, paths.EVALUATION.metrics) if not path.is_file()]:
        return f"{missing[0]} is not there"
    if fingerprint.compute("train").sha256 != fingerprint.read(paths.MODEL.fingerprint).sha256:
        return "the model in build/ was trained with other code, data or params.yaml"
    if not fingerprint.params_locked("evaluate"):
        return "the evaluation in build/ was made with other values of params.yaml"
    if paths.BUNDLE.description.is_file() and not fingerprint.params_locked("export"):
        return "the bundle in build/ was made with other values of params.yaml"
    return ""
