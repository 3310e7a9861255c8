"""Before a study reads what the stages before training wrote, DVC brings it up to date."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.executors import training_inputs

STAGES = """\
stages:
  split:
    cmd: python work.py
    deps: [work.py, images]
    outs: [parts]
  train:
    cmd: exit 1
    deps: [parts]
    outs: [model]
"""
Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Go to a repository of two stages, and give what writes the images that the first one copies."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(training_inputs.WITHIN, raising=False)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], check=True)
    Path("dvc.yaml").write_text(STAGES)
    Path("params.yaml").write_text("seed: 1\n")
    Path("work.py").write_text("open('parts', 'w').write(open('images').read()); open('ran', 'a').write('x')")

    def images(text: str) -> None:
        Path("images").write_text(text)

    return images


def test_stale_inputs_are_made_again_and_others_are_left_alone(write: Write) -> None:
    for text, runs in (("one", "x"), ("two", "xx"), ("two", "xx")):
        write(text)
        training_inputs.bring_up_to_date()
        assert Path("parts").read_text() == text
        assert Path("ran").read_text() == runs
    assert not Path("model").exists()


def test_a_stage_that_fails_is_a_line(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    write("one")
    Path("work.py").write_text("raise SystemExit('images: expected others')")
    with pytest.raises(AssayError, match="expected `dvc repro split` to succeed"):
        training_inputs.bring_up_to_date()
    assert "images: expected others" in capfd.readouterr().err


def test_ctrl_c_while_a_stage_runs_is_an_interruption_whatever_dvc_makes_of_it(write: Write) -> None:
    write("one")
    Path("work.py").write_text(f"import os, signal; os.kill({os.getpid()}, signal.SIGINT); open('parts', 'w').close()")
    with pytest.raises(KeyboardInterrupt):
        training_inputs.bring_up_to_date()
    assert Path("parts").exists()


def test_within_a_stage_of_dvc_its_inputs_are_ready(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("one")
    monkeypatch.setenv(training_inputs.WITHIN, "tune")
    training_inputs.bring_up_to_date()
    assert not Path("parts").exists()
