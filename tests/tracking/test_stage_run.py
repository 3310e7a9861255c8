"""One run holds a training and its evaluation, with all that is needed to make them again."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from src import tracking
from src.core.errors import AssayError
from src.tracking import mlflow_store, mlflow_writer, query
from src.tracking.fingerprint import digest
from src.tracking.outbox import kept
from tests.tracking.helpers import SUMMARY, trained

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def train() -> None:
    with tracking.training() as run:
        trained()
        run.measure(train_seconds=12.5)


def evaluate() -> None:
    with tracking.stage("evaluate"):
        pass


def runs(home: Path) -> "list[Run]":
    with mlflow_store.connected(home) as client:
        found = client.search_runs([mlflow_store.experiment(client, "covid_ct", home)], order_by=["start_time"])
        return list(found)


def artifacts(home: Path, run: "Run") -> set[str]:
    with mlflow_store.connected(home) as client:
        return set(_walk(client, run.info.run_id, ""))


def _walk(client: "MlflowClient", run: str, folder: str) -> Iterator[str]:
    for item in client.list_artifacts(run, folder or None):
        yield from _walk(client, run, item.path) if item.is_dir else [item.path]


def edit(file: str, old: str, new: str) -> None:
    text = Path(file).read_text(encoding="utf-8")
    assert old in text
    Path(file).write_text(text.replace(old, new), encoding="utf-8")


def test_training_and_evaluation_are_one_finished_run(ready: Path) -> None:
    train()
    evaluate()
    [run] = runs(ready)
    assert run.info.status == "FINISHED"
    assert run.data.tags["fingerprint"] == fingerprint_written()
    assert [run.data.tags[stage].split()[0] for stage in ("train", "evaluate")] == ["complete"] * 2


def fingerprint_written() -> str:
    from src.core import paths
    from src.tracking import fingerprint

    return fingerprint.read(paths.MODEL.fingerprint).sha256


def test_the_run_holds_parameters_scores_with_intervals_and_how_fast_it_was(ready: Path) -> None:
    train()
    evaluate()
    [run] = runs(ready)
    assert run.data.params["train.augment.rotation"] == "40.0"
    assert run.data.params["preprocess.steps"].startswith("gray, detail")
    single = {key: value for key, value in run.data.metrics.items() if not key.startswith("epoch/")}
    beside = {"probe_auc": 0.7, "shortcut_auc": 0.97, "train_seconds": 12.5}
    assert single == SUMMARY | beside
    [found] = query.detailed(query.read(ready), ready)
    assert (found.metrics["test_auc_low"], found.metrics["test_auc_high"]) == (0.6, 0.9)
    assert found.metrics["exact_duplicates"] == 3


def test_a_run_has_the_parameters_that_its_training_began_with(ready: Path) -> None:
    with tracking.training():
        edit("params.yaml", "batch_size: 30", "batch_size: 7")
        trained()
    evaluate()  # still with the edited file
    [run] = runs(ready)
    assert run.data.params["train.batch_size"] == "30"
    assert run.data.metrics["test_auc"] == 0.8
    with mlflow_store.connected(ready):
        import mlflow

        assert "batch_size: 30" in mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/params.yaml")


def test_every_epoch_is_a_step(ready: Path) -> None:
    train()
    [run] = runs(ready)
    with mlflow_store.connected(ready) as client:
        history = client.get_metric_history(run.info.run_id, "epoch/val_loss")
    assert [(metric.step, round(metric.value, 3)) for metric in history] == [
        (1, 1.1),
        (2, 0.55),
        (3, 0.367),
        (4, 0.275),
    ]


def test_the_run_holds_pictures_and_all_that_made_it(ready: Path) -> None:
    train()
    evaluate()
    [run] = runs(ready)
    found = artifacts(ready, run)
    assert {"figures/roc.png", "data/steps.png", "data/pairs.png", "report.html", "predictions.csv"} <= found
    assert {"params.yaml", "environment.txt", "fingerprint.json", "history.csv"} <= found


def test_the_run_names_its_data_with_counts_and_digest(ready: Path) -> None:
    train()
    evaluate()
    [run] = runs(ready)
    [used] = run.inputs.dataset_inputs
    assert digest(Path("build/prepared/images.npy")).startswith(used.dataset.digest)
    assert run.data.tags["data.name"] == used.dataset.name == "covid_ct"
    [found] = query.read(ready)
    assert (found.counts["images"], found.counts["test.groups"]) == (6, 1)
    assert run.data.tags["data.split"] == "50/10/40 by group"
    assert run.data.tags["dvc.build/model"] == "abc.dir"


def test_a_run_is_found_by_the_hash_that_the_lock_has_of_its_model(ready: Path) -> None:
    train()
    evaluate()
    with mlflow_store.connected(ready) as client:
        number = mlflow_store.experiment(client, "covid_ct", ready)
        assert len(client.search_runs([number], "tags.`dvc.build/model` = 'abc.dir'")) == 1
        assert len(client.search_runs([number], "tags.`dvc.build/model` = 'other'")) == 0


def test_the_run_names_commit_and_edit(ready: Path) -> None:
    for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -q -m first"):
        subprocess.run(["git", *command.split()], check=True)
    edit("src/one.py", "1", "7")
    edit("params.yaml", "epochs: 60", "epochs: 7")
    train()
    [run] = runs(ready)
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert run.data.tags["mlflow.source.git.commit"] == head
    assert run.data.tags["git.dirty"] == "true"
    assert f"git checkout {head}\ngit apply git.diff" in run.data.tags["mlflow.note.content"]
    assert run.info.run_name.startswith("epochs=7 tiny_cnn covid_ct ")
    assert "Changed in params.yaml since the commit: train.epochs: 7" in run.data.tags["mlflow.note.content"]
    with mlflow_store.connected(ready):
        import mlflow

        assert "+ONE = 7" in mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/git.diff")


def test_no_secret_of_a_url_reaches_mlflow(ready: Path) -> None:
    for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -q -m first"):
        subprocess.run(["git", *command.split()], check=True)
    edit("params.yaml", "source: data/covid_ct", "source: 'https://host/covid_ct?id=hidden'")
    edit("src/one.py", "1", "'http://me:hid@den@host/x'")
    train()
    [run] = runs(ready)
    [used] = run.inputs.dataset_inputs
    assert run.data.params["dataset.source"] == "https://host/covid_ct"
    assert used.dataset.source == '{"source": "https://host/covid_ct"}'
    with mlflow_store.connected(ready):
        import mlflow

        diff = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/git.diff")
        params = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/params.yaml")
    assert "source: 'https://host/covid_ct'" in params
    assert "hid" not in diff + params
    assert "den@" not in diff
    assert "+ONE = 'http://host/x'" in diff
    subprocess.run(["git", "stash", "-q"], check=True)
    subprocess.run(["git", "apply", "-"], input=diff, text=True, check=True)
    assert diff.startswith("# Users, passwords and queries of URLs were removed from this diff.\ndiff --git")


def test_an_output_of_dvc_holds_nothing_that_varies(ready: Path) -> None:
    train()
    first = Path("build/model/fingerprint.json").read_bytes()
    train()
    assert Path("build/model/fingerprint.json").read_bytes() == first


def test_an_evaluation_without_a_run_makes_it_from_the_outputs(ready: Path) -> None:
    train()
    with mlflow_store.connected(ready) as client:
        client.delete_run(runs(ready)[0].info.run_id)
    evaluate()
    [run] = runs(ready)
    assert run.data.tags["origin"] == "outputs restored by DVC"
    assert run.data.metrics["epoch/val_loss"] == 0.275
    assert run.data.metrics["test_auc"] == 0.8
    assert "history.csv" in artifacts(ready, run)


def test_recording_what_dvc_restored_makes_one_run_however_often(ready: Path) -> None:
    train()
    with mlflow_store.connected(ready) as client:
        client.delete_run(runs(ready)[0].info.run_id)
    tracking.record()
    tracking.record()
    [run] = runs(ready)
    assert run.data.tags["evaluate"].startswith("complete ")


def test_recording_what_is_there_does_not_even_ask_mlflow(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train()
    evaluate()

    def away(_: Path) -> None:
        raise AssayError("away")

    monkeypatch.setattr(mlflow_store, "connected", away)
    assert tracking.record()
    edit("params.yaml", "confidence: 0.95", "confidence: 0.9")
    assert not tracking.record()


def test_recording_where_nothing_was_trained_says_so(ready: Path) -> None:
    with pytest.raises(AssayError, match=r"fingerprint\.json: not found; train with `dvc repro`"):
        tracking.record()


def test_training_again_is_a_run_of_its_own_and_evaluation_joins_the_newest(ready: Path) -> None:
    train()
    train()
    evaluate()
    older, newer = runs(ready)
    assert "test_auc" not in older.data.metrics
    assert "test_auc" in newer.data.metrics


def test_another_way_to_evaluate_gets_a_run_of_its_own_so_that_none_mixes_settings(ready: Path) -> None:
    train()
    evaluate()
    edit("params.yaml", "confidence: 0.95", "confidence: 0.9")
    evaluate()
    first, second = runs(ready)
    assert (first.data.params["evaluate.confidence"], second.data.params["evaluate.confidence"]) == ("0.95", "0.9")
    assert first.data.tags["fingerprint"] == second.data.tags["fingerprint"]
    assert second.data.metrics["epoch/val_loss"] == 0.275


def test_an_interrupted_writing_is_completed_without_a_double(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mlflow_writer._log_dataset
    monkeypatch.setattr(mlflow_writer, "_log_dataset", lambda *_: 1 / 0)
    train()
    assert [path.name for path in kept(ready)] == ["train"]
    monkeypatch.setattr(mlflow_writer, "_log_dataset", whole)
    evaluate()
    [run] = runs(ready)
    assert run.info.status == "FINISHED"
    assert len(run.inputs.dataset_inputs) == 1
    assert not list(kept(ready))
    with mlflow_store.connected(ready) as client:
        assert len(client.get_metric_history(run.info.run_id, "epoch/loss")) == 4


def test_a_temporary_workspace_of_dvc_writes_into_the_repository(
    ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    inner = tmp_path / "temporary"
    shutil.copytree(ready, inner, ignore=shutil.ignore_patterns("mlflow.db*"))
    monkeypatch.chdir(inner)
    monkeypatch.setenv("DVC_ROOT", str(ready))
    monkeypatch.setenv("DVC_EXP_NAME", "gaudy-cat")
    train()
    [run] = runs(ready)
    assert run.data.tags["dvc.experiment"] == "gaudy-cat"
    assert run.info.run_name.startswith("gaudy-cat tiny_cnn covid_ct ")
    assert not (inner / "mlruns").exists()
    assert "history.csv" in artifacts(ready, run)


def test_a_failed_training_leaves_no_run(ready: Path) -> None:
    with pytest.raises(ZeroDivisionError), tracking.training():
        1 / 0  # noqa: B018
    assert runs(ready) == []
