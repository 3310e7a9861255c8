"""Long work says what it does, how far it is and how long it will take, at a terminal and in a log."""

import logging
import os
import pty
import sys
import termios

import pytest

from src.core import progress


def test_a_log_says_what_is_done_and_how_long_is_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    now = iter(range(0, 1000, 12))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(now)))
    assert list(progress.track("abc", 3, "looking for near duplicates", "pair")) == list("abc")
    assert caplog.messages[0] == "looking for near duplicates: 1 of 3 pairs, about 24 s left"
    assert caplog.messages[-1].startswith("looking for near duplicates: 3 of 3 pairs in ")


def test_a_terminal_has_a_bar_with_the_words_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    written = ""
    with os.fdopen(theirs, "w") as terminal, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        assert list(progress.track("abc", 3, "looking for near duplicates", "pair")) == list("abc")
        terminal.flush()
        while "3/3" not in written:
            written += os.read(ours, 4096).decode()
    assert "looking for near duplicates: 100%" in written
