"""The database appears whole or not at all, and what is in it can be read from where the repository is now."""

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from src.core.errors import AssayError
from src.tracking import mlflow_store
from tests.tracking.helpers import ROOT, read_only, wait_for

CREATE = "import sys; from pathlib import Path; from src.tracking.mlflow_store import create; create(Path(sys.argv[1]))"


def creator(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CREATE, str(path)], cwd=ROOT, stderr=subprocess.DEVNULL)


def log_text(home: Path, experiment: str = "covid_ct") -> str:
    with mlflow_store.connected(home) as client:
        run = client.create_run(mlflow_store.experiment(client, experiment, home))
        client.log_text(run.info.run_id, "hello", "folder/a.txt")
    return str(run.info.run_id)


def read_text(home: Path, run: str) -> str:
    import mlflow

    with mlflow_store.connected(home):
        return str(mlflow.artifacts.load_text(f"runs:/{run}/folder/a.txt"))


@pytest.mark.slow
def test_a_kill_while_the_database_is_made_leaves_none_and_the_next_makes_it_even_of_an_empty_file(
    project: Path,
) -> None:
    path = project / "mlflow.db"
    first = creator(path)
    wait_for(lambda: any(part.stat().st_size > 20_000 for part in project.glob("*.part")), 400)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not path.exists()
    path.touch()
    assert read_text(project, log_text(project)) == "hello"
    assert [file.name for file in project.iterdir() if "part" in file.name] == []


@pytest.mark.slow
def test_many_processes_on_a_fresh_database_all_log(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.tracking.test_mlflow_store import log_text;"
        "log_text(Path(sys.argv[1]))"
    )
    environment = {name: value for name, value in os.environ.items() if name != mlflow_store.VARIABLE}
    command = [sys.executable, "-c", code, str(tmp_path)]
    workers = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(2)]
    assert [worker.wait(500) for worker in workers] == [0, 0]
    with mlflow_store.connected(tmp_path) as client:
        assert len(client.search_runs([mlflow_store.experiment(client, "covid_ct", tmp_path)])) == 2


def test_who_waits_for_its_turn_says_so_in_one_line(
    ready: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="src")
    monkeypatch.setattr(mlflow_store, "LOCK_SECONDS", 1)
    with FileLock(ready / "mlflow.db.lock"), pytest.raises(Timeout), mlflow_store.turn(ready / "mlflow.db"):
        pass
    with mlflow_store.turn(ready / "mlflow.db"):
        pass
    assert [line for line in caplog.messages if "waiting" in line] == [
        "MLflow: waiting up to 1 s for another process in this folder to finish writing runs"
    ]


def test_artifacts_stand_in_mlruns_and_never_look_like_the_old_file_store(ready: Path) -> None:
    run = log_text(ready)
    assert read_text(ready, run) == "hello"
    assert (ready / f"mlruns/covid_ct/{run}/artifacts/folder/a.txt").is_file()
    assert not list(ready.glob("mlruns/*/meta.yaml"))


@pytest.mark.parametrize("name", ["unsent", "../x", "a/b c", "0", "ü"])
def test_any_experiment_name_gets_a_folder_below_mlruns(ready: Path, name: str) -> None:
    run = log_text(ready, name)
    assert read_text(ready, run) == "hello"
    [file] = ready.rglob("a.txt")
    assert file.is_relative_to(ready / "mlruns")
    assert not file.is_relative_to(ready / "mlruns/unsent")


def test_the_variables_of_the_process_are_left_as_they_were(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    before = dict(os.environ)
    log_text(ready)
    assert dict(os.environ) == before
    with mlflow_store.connected(ready):
        log_text(ready)
    assert dict(os.environ) == before
    monkeypatch.setenv(mlflow_store.VARIABLE, f"sqlite:///{ready / 'mlflow.db'}")
    before = dict(os.environ)
    log_text(ready)
    assert dict(os.environ) == before


def test_a_database_named_by_the_variable_keeps_its_artifacts_beside_it(
    ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(ready / "mlflow.db", other / "mlflow.db")
    monkeypatch.setenv(mlflow_store.VARIABLE, f"sqlite:///{other / 'mlflow.db'}")
    run = log_text(ready)
    assert (other / f"mlruns/covid_ct/{run}/artifacts/folder/a.txt").is_file()


def test_an_experiment_deleted_in_the_browser_is_restored(ready: Path) -> None:
    log_text(ready)
    with mlflow_store.connected(ready) as client:
        client.delete_experiment(client.get_experiment_by_name("covid_ct").experiment_id)
    assert read_text(ready, log_text(ready)) == "hello"


def test_runs_are_read_after_the_repository_was_moved(ready: Path, tmp_path: Path) -> None:
    run = log_text(ready)
    moved = ready.rename(tmp_path / "moved")
    assert read_text(moved, run) == "hello"
    assert (moved / f"mlruns/covid_ct/{log_text(moved)}").is_dir()


def test_a_copied_repository_writes_into_its_own_folder(ready: Path, tmp_path: Path) -> None:
    log_text(ready)
    shutil.copytree(ready, tmp_path / "copy")
    run = log_text(tmp_path / "copy")
    assert (tmp_path / f"copy/mlruns/covid_ct/{run}").is_dir()
    assert read_text(tmp_path / "copy", run) == "hello"


@pytest.mark.parametrize("content", [b"this is no database" * 1000, None])
def test_what_is_no_database_is_said_at_once(project: Path, content: bytes | None) -> None:
    if content:
        (project / "mlflow.db").write_bytes(content)
    else:
        with sqlite3.connect(project / "mlflow.db") as database:
            database.execute("CREATE TABLE half_made (x)")
    start = time.monotonic()
    with pytest.raises(AssayError, match=r"mlflow\.db: not readable as MLflow's database .*; move it away"):
        log_text(project)
    assert time.monotonic() - start < 5


def test_a_moved_database_that_is_read_only_is_not_called_broken(ready: Path, tmp_path: Path) -> None:
    log_text(ready)
    moved = ready.rename(tmp_path / "moved")
    with read_only(moved / "mlflow.db"), pytest.raises(AssayError) as error:
        log_text(moved)
    assert "mlflow.db: cannot be written (attempt to write a readonly database); check the" in str(error.value)
    assert "move it away" not in str(error.value)


def test_a_database_of_another_mlflow_says_how_to_upgrade(ready: Path) -> None:
    with sqlite3.connect(ready / "mlflow.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0a8213491aaa'")
    with pytest.raises(Exception, match="mlflow db upgrade"):
        log_text(ready)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "[Errno 28] No space left on device"),
        (ValueError("first\nsecond"), "first"),
        (KeyError(), "KeyError"),
        (ValueError(f"http://me:{'word' * 100}@host/x?word"), "http://host/x"),  # taken out before the line is cut
    ],
)
def test_a_reason_is_one_line(error: Exception, said: str) -> None:
    assert mlflow_store.reason(error) == said
