"""What nothing refers to is named with its size and deleted where that is agreed to; the join outlives it."""

import subprocess
import sys
from pathlib import Path

import pytest

from src import tidy, tracking
from src.tracking import mlflow_store, query
from tests.tracking.helpers import fill
from tests.tracking.test_stage_run import evaluate, runs, train

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path, made_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a repository with one commit, in whose cache a file of no commit lies."""
    fill(tmp_path)
    for name in ("dvc.yaml", "dvc.lock"):
        (tmp_path / f"{name}.aside").write_bytes((tmp_path / name).read_bytes())
    (tmp_path / mlflow_store.DATABASE).write_bytes(made_database.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    train()
    evaluate()
    for name in ("dvc.yaml", "dvc.lock"):
        (tmp_path / name).unlink()
    for command in ("git init -q", "dvc init -q", "git add .", "git -c user.name=a -c user.email=a@b commit -qm one"):
        subprocess.run(command.split(), check=True)
    for size in (3_000_000, 10):
        Path("scan.bin").write_bytes(bytes(size))
        subprocess.run(["dvc", "add", "--quiet", "scan.bin"], check=True)
    return tmp_path


def test_what_may_go_is_said_and_goes_only_if_agreed_to_and_the_run_is_made_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with mlflow_store.connected(home) as client:
        [run] = runs(home)
        client.delete_run(run.info.run_id)
        client.delete_experiment(run.info.experiment_id)
    monkeypatch.setattr(sys, "argv", ["tidy"])
    tidy.main()
    said = capsys.readouterr().out
    assert "DVC's cache: 3.0 MB in 1 objects" in said
    assert "in 1 runs that were deleted" in said
    assert "nothing was deleted" in said
    monkeypatch.setattr(sys, "argv", ["tidy", "--yes"])
    tidy.main()
    tidy.main()
    assert "DVC's cache: 0.0 MB in 0 objects" in capsys.readouterr().out
    assert query.read(home) == []
    assert tracking.record()
    [again] = query.detailed(query.read(home), home)
    assert again.fingerprint == run.data.tags["fingerprint"]
    assert again.metrics["test_auc_low"] == 0.6
