"""TensorFlow starts quietly, but not silently; a trained model is read, or one line says why not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.models import load
from src.models._load import STDERR, without_chatter
from tests.conftest import ROOT


def test_chatter_is_left_out_and_errors_are_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with without_chatter():
        os.write(STDERR, b"I0000 00:00:1795228037.952000 9691 port.cc:153] oneDNN custom operations are on.\n")
        os.write(STDERR, b"E0000 00:00:1795228037.952000 9691 blas.cc:1] out of memory\n")
    assert capfd.readouterr().err == "E0000 00:00:1795228037.952000 9691 blas.cc:1] out of memory\n"


def test_errors_are_shown_when_the_block_fails(capfd: pytest.CaptureFixture[str]) -> None:
    @without_chatter()
    def load() -> None:
        os.write(STDERR, b"libcublas.so: cannot open\n")
        raise ImportError

    with pytest.raises(ImportError):
        load()
    assert "libcublas" in capfd.readouterr().err


def test_a_missing_model_names_the_stage_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"model\.keras: not found; run the stage train"):
        load(tmp_path / "model.keras")


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_text("weights")
    with pytest.raises(AssayError, match=r"model\.keras: expected a Keras model"):
        load(tmp_path / "model.keras")


def test_whatever_loads_tensorflow_sets_it_up_first() -> None:
    """Elsewhere than in src a module that is imported first may load it, as tests do, with src after it."""
    loads = re.compile(r"^(?:import|from) (?:keras|tensorflow)\b", re.MULTILINE)
    before = re.compile(r"^from src(?: import models|\.(?:models|train)[. ])", re.MULTILINE)
    for path in (ROOT / "src").rglob("*.py"):
        text, room = path.read_text(encoding="utf-8"), path.parent.name
        if room not in {"models", "train"} and (found := loads.search(text)):
            assert before.search(text, 0, found.start()), path
    code = "import sys, src.models; print([name for name in ('pandas', 'scipy', 'sklearn') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout == "[]\n"
