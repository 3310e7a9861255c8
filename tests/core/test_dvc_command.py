"""DVC as this project runs it: killed at any moment, the same command again gives what a run without a kill gives."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from src.core import dvc_state
from tests.conftest import ROOT
from tests.pipeline.kill_repro import Pipeline, attack, kill

AUDIT = """\
import os, sys
def hook(event, values):
    for value in values if event in ("open", "os.mkdir", "os.listdir", "os.scandir", "sqlite3.connect") else ():
        if isinstance(value, str) and value.startswith("/var/tmp/dvc"):
            with os.fdopen(os.open(os.environ["OPENED"], os.O_CREAT | os.O_APPEND | os.O_WRONLY), "w") as file:
                file.write(value + "\\n")
sys.addaudithook(hook)
"""


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Give a pipeline in which everything has run once."""
    made = Pipeline(tmp_path_factory.mktemp("small") / "home")
    made.finish("repro")
    return made


@pytest.mark.slow
def test_killed_at_random_and_in_the_middle_of_a_write_the_second_run_is_right(tmp_path: Path) -> None:
    said: list[str] = []
    assert attack(Pipeline(tmp_path / "repro"), "repro", 4, random.Random(1), said.append) == 4, said


def test_whatever_a_kill_left_the_next_run_mends_it_all_and_says_so(pipeline: Pipeline) -> None:
    before = pipeline.state()
    for name in ("dvc.lock", "data.dvc", ".dvc/tmp/rwlock"):
        (pipeline.folder / name).write_text("")
    written = pipeline.finish("repro")
    assert pipeline.state() == before
    for name in ("dvc.lock was cut", "data.dvc was cut", "removed .dvc/tmp/rwlock"):
        assert written.count(name) == 1
    assert "Running stage" not in written


def test_a_params_file_that_would_keep_dvc_busy_for_ever_is_refused_first(pipeline: Pipeline) -> None:
    before = (pipeline.folder / "params.yaml").read_text()
    laughs = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 9)}]\n" for n in range(9))
    (pipeline.folder / "params.yaml").write_text(before + laughs)
    running = pipeline.start("repro")
    try:
        written, _ = running.communicate(timeout=60)
    finally:
        kill(running)
        (pipeline.folder / "params.yaml").write_text(before)
    assert running.returncode == 1
    assert "error: params.yaml: line 5: expected at most 4000 values, aliases written out, found more" in written


def test_a_source_with_a_password_is_refused_before_dvc_names_it(pipeline: Pipeline) -> None:
    before = (pipeline.folder / "params.yaml").read_text()
    (pipeline.folder / "params.yaml").write_text(f"{before}dataset:\n  source: http://me:s3cret word@host/a.zip\n")
    running = pipeline.start("repro")
    written, _ = running.communicate(timeout=60)
    (pipeline.folder / "params.yaml").write_text(before)
    assert running.returncode == 1
    assert "error: params.yaml: dataset.source: expected a URL without user and password" in written
    assert "s3cret" not in written


def test_two_runs_at_once_wait_for_each_other(pipeline: Pipeline) -> None:
    pipeline.set(2)
    both = [pipeline.start("repro") for _ in range(2)]
    written = [running.communicate(timeout=120)[0] for running in both]
    assert [running.returncode for running in both] == [0, 0], written
    assert sum("waiting for" in text for text in written) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_sigterm_ends_dvc_and_its_stage_too(pipeline: Pipeline) -> None:
    with _stage(pipeline, "import time; open('started', 'w').close(); time.sleep(60)"):
        running = pipeline.start("repro")
        _wait_for(pipeline.folder / "started")
        below = psutil.Process(running.pid).children(recursive=True)
        assert len(below) >= 2
        running.terminate()
        running.communicate(timeout=30)
        assert running.returncode == 128 + signal.SIGTERM
        assert not any(process.is_running() for process in below)


def test_a_stage_that_the_system_kills_is_said_in_words(pipeline: Pipeline) -> None:
    with _stage(pipeline, "import os; os.kill(os.getpid(), 9)"):
        running = pipeline.start("repro")
        written, _ = running.communicate(timeout=60)
    assert running.returncode not in (0, None)
    assert "error: s0: killed by the system, as a rule because memory ran out" in written


@contextmanager
def _stage(pipeline: Pipeline, code: str) -> Iterator[None]:
    """Let the first stage do something else, for a while."""
    path = pipeline.folder / "dvc.yaml"
    before = path.read_text()
    (pipeline.folder / "s0.py").write_text(code)
    path.write_text(before.replace("python work.py s0 data 0.05", "python s0.py s0"))
    try:
        yield
    finally:
        path.write_text(before)


def _wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_no_dvc_command_opens_the_folder_that_all_users_share(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(AUDIT)
    opened = tmp_path / "opened"
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "OPENED": str(opened)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"

    def dvc(*words: str, folder: Path = pipeline.folder) -> None:
        subprocess.run([sys.executable, "-m", "dvc", *words], cwd=folder, env=environment, check=True)

    pipeline.set(3)
    subprocess.run([sys.executable, "repro.py"], cwd=pipeline.folder, env=environment, check=True)
    for words in (["status"], ["repro", "--force"], ["checkout", "--force"]):
        dvc(*words, folder=pipeline.folder / "samples" if words == ["status"] else pipeline.folder)
    (pipeline.folder / ".dvc" / "config.local").unlink()
    dvc("checkout", "--force")  # as in a clone where nothing was set up: .dvc/config alone
    assert not opened.exists(), opened.read_text()
    other = tmp_path / "other"
    shutil.copytree(pipeline.folder, other)
    (other / ".dvc" / "config").write_text("")
    dvc("status", folder=other)
    assert opened.exists(), "the test would notice"


def test_git_brings_the_cache_folder_so_that_dvc_does_not_make_it_writable_for_all() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", ".dvc_site_cache"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert tracked.stdout.split() == [".dvc_site_cache/repo/README.md"]


def test_without_git_it_runs_and_says_so_once(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path / "unpacked")
    shutil.rmtree(pipeline.folder / ".git")
    assert pipeline.finish("repro").count("no git repository here") == 1
    assert "no git repository here" not in pipeline.finish("repro")
    assert dvc_state.LOCAL.name in {path.name for path in (pipeline.folder / ".dvc").iterdir()}
