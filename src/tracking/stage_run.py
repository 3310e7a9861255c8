"""Records of a training, of its evaluation and of its bundle, made from what the stages wrote."""

import html
import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from src import config
from src.core import nested, paths
from src.core.errors import AssayError
from src.core.files import read_csv, read_json
from src.tracking import environment, mlflow_store, outbox, tags
from src.tracking.environment import Commit
from src.tracking.fingerprint import Fingerprint, compute, digest, params_locked, read_fingerprint, write_fingerprint
from src.tracking.record import Kind, LoggedModel, Record

RUN = re.compile("<!-- run -->.*?<!-- /run -->", re.DOTALL)  # in the report
BESIDE = ("probe.auc", "shortcut_auc")  # what the model's score is compared with, beside it in the table of runs
HEADLINES = {"test.auc": "ROC AUC", "test.accuracy": "accuracy"}
SCORES = "scores.json"  # an artifact of each run: every score with its interval, shown as a table
SCORES_TAG = {"mlflow.loggedArtifacts": json.dumps([{"path": SCORES, "type": "table"}])}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Execution:
    """When a stage ran, in milliseconds since 1970, the state of the code when it began, and what it measured."""

    start: int
    end: int
    commit: Commit
    measured: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def now(cls) -> "Execution":
        """Return one that begins and ends now."""
        moment = int(time.time() * 1000)
        return cls(moment, moment, environment.commit())

    def ended(self, **measured: float) -> "Execution":
        """Return it as it ends now, with what was measured; a zero says nothing."""
        return replace(
            self, end=int(time.time() * 1000), measured={key: value for key, value in measured.items() if value}
        )


def training_record(fingerprint: Fingerprint, execution: Execution | None = None) -> Record:
    """Describe the training in build/; without an execution DVC restored it, and nobody knows when it ran."""
    when = execution or Execution.now()
    settings = config.load()
    origin = "training" if execution else "outputs restored by DVC"
    epochs = read_csv(paths.MODEL.history)
    data = tags.dataset(fingerprint, settings, paths.SPLIT.parts)
    described = {**tags.describe(settings), **tags.note(when.commit, [tags.summary(settings, data)])}
    return replace(
        _record("train", fingerprint, when, settings, execution is not None),
        tags={**tags.origin(when.commit, origin, "stages/train.py"), **described},
        metrics=[*tags.history(epochs, when.start, when.end), *tags.once(when.measured, when.end)],
        files=_present(_train_files()),
        texts=tags.texts(when.commit),
        dataset=data,
    )


def evaluation_record(fingerprint: Fingerprint, execution: Execution | None = None) -> Record:
    """Describe the evaluation in build/, a part of the run of the training that it belongs to."""
    when = execution or Execution.now()
    settings = config.load()
    scores = score_table(_read(paths.EVALUATION.metrics), _read(paths.PROBE.scores), _read(paths.SPLIT.audit))
    data = tags.dataset(fingerprint, settings, paths.SPLIT.parts)
    lines = [tags.summary(settings, data), _reached(scores)]
    beside = {f"{name.replace('.', '_')}": scores[name][0] for name in BESIDE if name in scores}
    table = {"columns": ["score", "value", "low", "high"], "data": [[name, *row] for name, row in scores.items()]}
    return replace(
        _record("evaluate", fingerprint, when, settings, execution is not None),
        tags={**tags.model_hash(), **tags.note(when.commit, lines), **SCORES_TAG},
        metrics=tags.once({**_read(paths.EVALUATION.summary), **beside}, when.end),
        files=_present(_evaluation_files()),
        texts={SCORES: json.dumps(table), **_report(when, tags.run_name(settings, fingerprint, when.commit))},
    )


def export_record(fingerprint: Fingerprint, execution: Execution | None = None) -> Record:
    """Describe the bundle in build/, a part of the run of the training that it belongs to."""
    when = execution or Execution.now()
    settings = config.load()
    folder = paths.BUNDLE.folder
    model = LoggedModel(folder, digest(folder), settings.track.register)
    return replace(
        _record("export", fingerprint, when, settings, execution is not None),
        files=_present({paths.BUNDLE.card.name: paths.BUNDLE.card}),
        model=model if settings.track.model else None,
    )


def _record(kind: Kind, fingerprint: Fingerprint, when: Execution, settings: config.Params, fresh: bool) -> Record:
    return Record(
        kind=kind,
        fingerprint=fingerprint.sha256,
        experiment=settings.track.experiment,
        name=tags.run_name(settings, fingerprint, when.commit),
        start=when.start,
        end=when.end,
        fresh=fresh,
        params=tags.values(settings),
    )


def _train_files() -> dict[str, Path]:
    sheets = {"data/steps.png": paths.PREPARED.sheet, "data/pairs.png": paths.SPLIT.sheet}
    tables = {"data/audit.json": paths.SPLIT.audit, "data/rejected.csv": paths.PREPARED.rejected}
    model = {
        "history.csv": paths.MODEL.history,
        "fingerprint.json": paths.MODEL.fingerprint,
        "classes.json": paths.MODEL.classes,
    }
    if config.load().track.model:
        model[paths.MODEL.model.name] = paths.MODEL.model
    return {"params.yaml": paths.PARAMS, "dvc.yaml": Path("dvc.yaml"), **sheets, **tables, **model}


def _evaluation_files() -> dict[str, Path]:
    figures = {f"figures/{path.name}": path for path in sorted(paths.EVALUATION.figures.glob("*")) if path.is_file()}
    out = paths.EVALUATION
    tables = {path.name: path for path in (out.metrics, out.predictions, out.classification, out.layers)}
    return {**figures, **tables}


def _report(when: Execution, name: str) -> dict[str, str]:
    """Return the report with the facts that an output of DVC cannot hold, for MLflow alone."""
    if not (page := paths.EVALUATION.report).is_file():
        return {}
    ended = datetime.fromtimestamp(when.end / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    commit = f", commit {when.commit.commit[:12]}{' with changes' * when.commit.dirty}" if when.commit.commit else ""
    facts = html.escape(f"{name}, {ended}{commit}")
    return {page.name: RUN.sub(lambda _: facts, page.read_text(encoding="utf-8"))}


def _present(files: Mapping[str, Path]) -> dict[str, Path]:
    return {name: path for name, path in files.items() if path.is_file()}


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


def _reached(scores: Mapping[str, tuple[float, float | None, float | None]]) -> str:
    """Return the scores of the test part in a sentence, with their intervals."""
    found = [(title, *scores[name]) for name, title in HEADLINES.items() if name in scores]
    cells = [
        f"{title} {value:.3f}" + ("" if low is None else f" [{low:.2f}, {high:.2f}]")
        for title, value, low, high in found
    ]
    return f"Test: {', '.join(cells)}."


def obstacle() -> str:
    """Return why build/ cannot be made a run by the code and the params.yaml that stand here now, or "" if it can."""
    if missing := [path for path in (paths.MODEL.fingerprint, paths.EVALUATION.metrics) if not path.is_file()]:
        return f"{missing[0]} is not there"
    if compute("train").sha256 != restored_fingerprint().sha256:
        return "the model in build/ was trained with other code, data or params.yaml"
    if not params_locked("evaluate", tags.LOCK):
        return "the evaluation in build/ was made with other values of params.yaml"
    if paths.BUNDLE.description.is_file() and not params_locked("export", tags.LOCK):
        return "the bundle in build/ was made with other values of params.yaml"
    return ""


def restored_fingerprint() -> Fingerprint:
    """Read the fingerprint that the training in build/ left.

    Raises:
        AssayError: nothing was trained here.
    """
    if not paths.MODEL.fingerprint.is_file():
        raise AssayError(f"{paths.MODEL.fingerprint}: not found; train with `dvc repro`")
    return read_fingerprint(paths.MODEL.fingerprint)


@dataclass
class Measured:
    """What a stage measured on the way and varies from run to run: for MLflow, never for an output of DVC."""

    fingerprint: str = ""
    values: dict[str, float] = field(default_factory=dict)

    def measure(self, **values: float) -> None:
        """Note numbers such as seconds and images a second."""
        self.values.update(values)


@contextmanager
def training() -> Iterator[Measured]:
    """Yield the fingerprint of the train stage; once the block has written the model, add the file and track the run.

    Raises:
        AssayError: an input that dvc.yaml lists is missing.
    """
    fingerprint = compute("train")
    began, measured = Execution.now(), Measured(fingerprint.sha256)
    yield measured
    write_fingerprint(fingerprint, paths.MODEL.fingerprint)
    ended = began.ended(**measured.values)
    _track(lambda: training_record(fingerprint, ended))


@contextmanager
def evaluation() -> Iterator[None]:
    """Track an evaluation in the run of its training, which is made from DVC's outputs if it is not there."""
    began = Execution.now()
    yield
    _track(lambda: evaluation_record(restored_fingerprint(), began.ended()), {"train": _restored_training})


@contextmanager
def export() -> Iterator[None]:
    """Track the bundle in the run of its training and evaluation, which are made from DVC's outputs where needed."""
    began = Execution.now()
    yield
    _track(lambda: export_record(restored_fingerprint(), began.ended()), RESTORED)


def record() -> bool:
    """Make the run of the outputs in build/ where MLflow has none, so that a run that DVC restored is there too.

    Raises:
        AssayError: nothing was trained or evaluated here.
    """
    bundled = paths.BUNDLE.description.is_file()
    described = (export_record if bundled else evaluation_record)(restored_fingerprint())
    if mlflow_store.holds(mlflow_store.database(paths.home()), described):
        log.info("MLflow: run %s is there", described.name)
        return True
    earlier = {kind: make for kind, make in RESTORED.items() if kind != described.kind}
    return outbox.deliver(described, paths.home(), earlier)


def _restored_training() -> Record:
    return training_record(restored_fingerprint())


def _restored_evaluation() -> Record:
    return evaluation_record(restored_fingerprint())


RESTORED: outbox.Makers = {"train": _restored_training, "evaluate": _restored_evaluation}


def _track(make: Callable[[], Record], earlier: outbox.Makers = MappingProxyType({})) -> None:
    try:
        made = make()
    except Exception as error:  # the stage's outputs stand, whatever is wrong with describing them
        log.debug("no record", exc_info=True)
        log.warning("Not tracked, outputs are complete: %s", outbox.reason(error))
        return
    outbox.deliver(made, paths.home(), earlier)
