"""Real processes, killed: the same command again ends with exactly the trials asked for, as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from optuna.trial import TrialState

from tests.conftest import ROOT
from tests.executors.test_local import alive
from tests.tune.helpers_search import search, told, trials

TOTAL, WORKERS, SECONDS = 10, 2, 0.02
WAIT = 240.0


class Command:
    """The same search again and again, each time in a process of its own, in a process group as in a terminal."""

    def __init__(self, home: Path, workers: int = WORKERS, seconds: float = SECONDS) -> None:
        self.home = home
        home.mkdir(exist_ok=True)
        words = [sys.executable, "-m", "tests.tune.helpers_search", home, TOTAL, workers, seconds]
        self.words = [str(word) for word in words]

    def start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(self.words, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def finish(self) -> None:
        done = subprocess.run(self.words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=WAIT)
        assert done.returncode == 0, done.stderr

    def begun(self) -> list[tuple[int, int, int]]:
        """List the epochs that workers have begun: trial, epoch, process."""
        path = self.home / "begun"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(trial), int(epoch), int(process)) for trial, epoch, process in map(str.split, lines)]

    def wait_for(self, what: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT
        while not what():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.005)

    def wait_for_trial(self, number: int) -> int:
        """Wait until a trial is being trained, and give the process that does it."""
        self.wait_for(lambda: any(trial >= number for trial, _, _ in self.begun()))
        return next(process for trial, _, process in reversed(self.begun()) if trial >= number)

    def finished(self) -> list[int]:
        return [trial.number for trial in trials(self.home) if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]

    def check(self, before: Sequence[int] = ()) -> None:
        """Check that nothing was lost, left running or told twice."""
        assert self.finished() == list(range(TOTAL))
        assert len(trials(self.home)) == TOTAL
        assert set(before) <= set(self.finished())
        journal = (self.home / "studies" / "s" / "journal.log").read_text().splitlines()
        ends = [line for line in journal if '"op_code":6,' in line and ('"state":1,' in line or '"state":2,' in line)]
        assert len(ends) == TOTAL, "a trial was told twice"


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_ctrl_c_ends_cleanly_a_kill_at_once_and_the_same_command_goes_on(command: Command) -> None:
    running = command.start()
    command.wait_for_trial(2)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: workers get it as well
    _, written = running.communicate(timeout=WAIT)
    assert running.returncode == 130
    assert "the same command goes on from there" in written
    assert "Traceback" not in written
    stopped = command.finished()
    assert 1 <= len(stopped) < TOTAL
    assert not [trial for trial in trials(command.home) if trial.state is TrialState.RUNNING]
    running = command.start()
    process = command.wait_for_trial(6)
    running.kill()
    running.communicate()
    killed = command.finished()
    assert set(stopped) <= set(killed)
    command.wait_for(lambda: not alive(process))
    command.finish()
    command.check(killed)


def test_ctrl_c_twice_ends_at_once(tmp_path: Path) -> None:
    slow = Command(tmp_path, seconds=30)
    running = slow.start()
    process = slow.wait_for_trial(0)
    os.killpg(running.pid, signal.SIGINT)
    time.sleep(0.5)
    began = time.monotonic()
    os.killpg(running.pid, signal.SIGINT)
    _, written = running.communicate(timeout=WAIT)
    assert running.returncode == 130
    assert time.monotonic() - began < 10
    assert "Traceback" not in written
    assert not alive(process)


def test_with_one_worker_a_study_killed_again_and_again_equals_one_left_alone(tmp_path: Path) -> None:
    broken = Command(tmp_path / "broken", workers=1)
    search(tmp_path / "whole", TOTAL)
    for number in (2, 5):
        running = broken.start()
        broken.wait_for_trial(number)
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
    broken.finish()
    broken.check()
    assert told(broken.home) == told(tmp_path / "whole")
