"""What the person sees: a line for each trial, a bar that warnings do not break, and who won."""

import logging
import os
import pty
import sys
import termios
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from src.config.overrides import short
from src.tune.study_progress import Progress
from src.tune.trials_view import view
from tests.tune.helpers_search import opened
from tests.tune.helpers_studies import study


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
        with Progress(search.view(), 3):
            logging.getLogger("src.tune.driver").warning("trial 0 failed: no memory")
    written = everything(ours)
    lines = [line.split("\r")[-1] for line in written.replace("\r\n", "\n").split("\n")]
    assert "trial 0 failed: no memory" in lines
    assert "0/3" in written


@pytest.mark.parametrize("before", [0, 7])
def test_the_best_and_the_share_of_pruned_trials_are_those_of_all_trials_after_each(
    before: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "src.tune")
    found = view(study(30))
    with Progress(replace(found, trials=found.trials[:before]), 30) as progress:
        for place in range(before, 30):
            caplog.clear()
            progress.on_trial_end(found.trials[place])
            now = replace(found, trials=found.trials[: place + 1])
            best, ended = now.ranked()[0], len(now.complete()) + now.count("pruned")
            if found.trials[place].state == "failed":
                assert caplog.messages == []
                continue
            assert f"{ended} of 30 done, best {short(best.values['auc'])} (trial {best.number}), " in caplog.text
            assert f"{now.count('pruned') / ended:.0%} pruned" in caplog.text
