"""Trainings killed and interrupted: where they end, and that the result is that of one left alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.core import signals
from src.metrics.objectives import Row
from src.train import data, fit
from tests import sections
from tests.train.conftest import Store

pytestmark = pytest.mark.usefixtures("at_a_terminal")
SCRIPT = """
import signal
import sys
from pathlib import Path

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
from src.core import console, paths
from src.train import stage
from tests import sections

root = Path(sys.argv[1])
section = sections.train(epochs=12, batch_size=4, optimizer="adam", learning_rate=1e-3,
                         augment=sections.augment(rotation=20, shift=0.1, zoom=0.1, flip="horizontal"))
for out in map(Path, sys.argv[2:]):
    console.run(lambda: stage.run(
        paths.Prepared(root / "prepared"), paths.SplitFiles(root / "split"), paths.ModelFiles(out),
        sections.model(name="dropout_cnn", dropout=0.4), section, 1, checkpoints=out.with_suffix(".checkpoints")))
"""


def start(store: Store, *outs: Path) -> subprocess.Popen[str]:
    """Start a training in a process of its own, or one after the other, where TensorFlow starts only once."""
    command = [sys.executable, "-X", "faulthandler", "-c", SCRIPT, str(store.root), *map(str, outs)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."})


def stop_after(training: subprocess.Popen[str], line: str, sign: signal.Signals, nth: int = 1) -> list[str]:
    """Send a signal as soon as the training writes a line that starts so for the nth time; give all its lines."""
    lines = []
    for written in training.stderr or ():
        lines.append(written.rstrip())
        if written.startswith(line) and sum(each.startswith(line) for each in lines) == nth:
            training.send_signal(sign)
    training.wait()
    return lines


def finish(training: subprocess.Popen[str]) -> list[str]:
    """Let a training end well and give the lines that it wrote."""
    _, written = training.communicate()
    assert training.returncode == 0, written
    return written.splitlines()


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_a_killed_and_an_interrupted_training_end_as_one_left_alone(store: Store, tmp_path: Path) -> None:
    alone, broken = tmp_path / "alone", tmp_path / "broken"
    killed = start(store, alone, broken)
    lines = stop_after(killed, "epoch 2/12", signal.SIGKILL, nth=2)
    assert killed.returncode == -signal.SIGKILL
    expected = lines[: next(number for number, line in enumerate(lines, 1) if line.startswith("epoch 12/12"))]
    assert not broken.exists()
    interrupted = start(store, broken)
    stop_after(interrupted, "epoch 5/12", signal.SIGINT)
    assert interrupted.returncode == 130
    assert not broken.exists()
    lines = finish(start(store, broken))
    assert any(line.startswith("going on after epoch ") for line in lines)
    assert lines[-1] == expected[-1]
    assert all(line.startswith(("epoch ", "going on ")) for line in [*lines, *expected]), "TensorFlow's chatter"
    assert outputs(broken) == outputs(alone)
    assert not broken.with_suffix(".checkpoints").exists()


def interrupt(times: int) -> Iterator[str]:
    """Press Ctrl-C so often, and say what was reached."""
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)
        yield "behind the signal"


def test_ctrl_c_takes_effect_where_a_training_looks_for_it() -> None:
    reached: list[str] = []

    def work() -> None:
        reached.extend(interrupt(1))
        signals.check()
        reached.append("behind the check")

    with pytest.raises(KeyboardInterrupt), signals.deferred():
        work()
    assert reached == ["behind the signal"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signals.check()  # nothing is left of it


def test_ctrl_c_in_the_last_batch_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt), signals.deferred():
        assert list(interrupt(1))


def test_a_second_ctrl_c_comes_at_once() -> None:
    reached: list[str] = []
    with pytest.raises(KeyboardInterrupt), signals.deferred():
        reached.extend(interrupt(2))
    assert reached == ["behind the signal"]


def test_a_worker_that_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with signals.deferred():
            assert list(interrupt(1))
            signals.check()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_training_ends_between_two_batches(store: Store) -> None:
    rows, section = [], sections.train(epochs=3, batch_size=4, optimizer="adam", learning_rate=1e-3)

    def press(row: Row) -> None:
        rows.extend([row["epoch"], *interrupt(1)])

    given = data.load(store.prepared, store.split)
    with pytest.raises(KeyboardInterrupt):
        fit(given, sections.model(name="dropout_cnn", dropout=0.4), section, 1, on_epoch=[press])
    assert rows == [1, "behind the signal"]
