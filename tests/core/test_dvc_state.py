"""What a kill left of DVC's files is brought back; what a live process holds is left alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from src.core import dvc_state
from src.core.errors import AssayError

LOCK = """\
schema: '2.0'
stages:
  split:
    cmd: python -m stages.split
    outs:
    - path: build/split
      hash: md5
      md5: 3f2c1b0a99887766554433221100ffee.dir
      size: 1234
      nfiles: 5
"""
IMPORT = "deps:\n- path: samples\n  md5: 1f.dir\n  size: 2\n  nfiles: 1\nouts:\n- path: data\n"
CUTS = {
    "empty": "",
    "half a word": LOCK[:120],
    "half a number": LOCK[:-12],
    "without its last line": LOCK[: LOCK.rindex("      nfiles")],
    "without what follows outs": LOCK[: LOCK.index("    - path")],
    "zeros, as after a power cut": "\0" * 300,
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    (tmp_path / "tuning").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["dvc.lock", "tuning/dvc.lock"])
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_lock_that_was_cut_is_as_before_the_run(
    home: Path, name: str, cut: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    (home / name).write_text(LOCK)
    dvc_state.mend(home)
    assert not caplog.messages
    (home / name).write_text(cut)
    dvc_state.mend(home)
    assert (home / name).read_text() == LOCK
    assert caplog.messages == [f"dvc: {name} was cut by a killed run; restored from .dvc/tmp/whole"]


def test_without_a_copy_git_has_it_and_without_git_a_lock_is_removed(home: Path) -> None:
    (home / "dvc.lock").write_text("")
    dvc_state.mend(home)
    assert not (home / "dvc.lock").exists()
    (home / "dvc.lock").write_text(LOCK)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "dvc.lock"], [*who, "commit", "-qm", "state"]):
        subprocess.run(["git", *words], cwd=home, check=True)
    (home / "dvc.lock").write_text(LOCK[:50])
    dvc_state.mend(home)
    assert (home / "dvc.lock").read_text() == LOCK


def test_an_import_that_was_cut_is_brought_back_or_the_way_to_make_it_is_said(home: Path) -> None:
    (home / "data.dvc").write_text(IMPORT)
    dvc_state.keep(home)
    (home / "data.dvc").write_text("")
    dvc_state.mend(home)
    assert (home / "data.dvc").read_text() == IMPORT
    (home / "data.dvc").write_text("")
    (home / dvc_state.KEPT / "data.dvc").unlink()
    with pytest.raises(AssayError, match=r"data\.dvc: cut by a killed run.*dvc add data"):
        dvc_state.mend(home)


@pytest.mark.parametrize(
    "found", ["", '{"write": {"', "[]", '{"write": {"/x": {"cmd": "dvc repro"}}}', "dead", "zombie"]
)
def test_a_lock_file_that_is_cut_or_of_a_dead_process_is_removed(home: Path, found: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    if found == "dead":
        process.wait()
    if found in ("dead", "zombie"):  # a zombie: ended, and not waited for
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT) if found == "zombie" else None
        found = json.dumps({"write": {"/x": {"pid": process.pid, "cmd": "dvc repro"}}, "read": {}})
    path = home / dvc_state.RWLOCK
    path.write_text(found)
    dvc_state.mend(home)
    process.wait()
    assert not path.exists()


def test_a_process_that_got_the_number_of_a_dead_one_holds_nothing(home: Path) -> None:
    path, dead = home / dvc_state.RWLOCK, subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    holders = [{"pid": pid, "cmd": "dvc repro"} for pid in (dead.pid, os.getpid())]
    path.write_text(json.dumps({"read": {"/x": holders}}))
    dvc_state.mend(home)
    assert path.exists(), "this process runs, and may hold it"
    os.utime(path, (1, 1))
    dvc_state.mend(home)
    assert not path.exists()


@pytest.mark.parametrize("name", ["dvc.lock", "data.dvc"])
def test_what_a_person_has_to_settle_is_left_alone(home: Path, name: str) -> None:
    (home / name).write_text(LOCK)
    dvc_state.keep(home)
    (home / name).write_text(f"<<<<<<< HEAD\n{LOCK}")
    dvc_state.mend(home)
    assert (home / name).read_text().startswith("<<<<<<< HEAD")


def test_the_cache_of_pickles_is_of_this_user_alone(home: Path) -> None:
    (home / dvc_state.SITE_CACHE / "repo").mkdir(parents=True, mode=0o777)
    (home / ".dvc" / "config.local").write_text("[core]\n    remote = mine\n")
    dvc_state.settle(home)
    assert (home / dvc_state.SITE_CACHE).stat().st_mode & 0o777 == 0o700
    assert "remote = mine" in (home / ".dvc" / "config.local").read_text()


@pytest.mark.parametrize(("text", "words"), [(None, r"\.dvc: not found"), ("[core", r"config\.local")])
def test_no_repository_and_a_damaged_configuration_are_a_line(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / ".dvc").mkdir()
        (tmp_path / dvc_state.LOCAL).write_text(text)
    with pytest.raises(AssayError, match=words):
        dvc_state.settle(tmp_path)
