"""What the person sees: a line for each trial, a bar that warnings do not break, and who won."""

import logging
import os
import pty
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from src.tune import study_progress
from tests.tune.helpers_search import opened


def everything(terminal: int) -> str:
    """Read what was written to a terminal that is closed on the other side."""
    found = b""
    with suppress(OSError):
        while more := os.read(terminal, 4096):
            found += more
    return found.decode()


def test_a_warning_stands_on_a_line_of_its_own_beside_the_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    with opened(tmp_path) as search, os.fdopen(theirs, "w") as terminal, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        patched.setattr(logging.root, "handlers", [logging.StreamHandler(terminal)])
        with study_progress.Progress(search, 3):
            logging.getLogger("src.tune.driver").warning("trial 0 failed: no memory")
    written = everything(ours)
    lines = [line.split("\r")[-1] for line in written.replace("\r\n", "\n").split("\n")]
    assert "trial 0 failed: no memory" in lines
    assert "0/3" in written
