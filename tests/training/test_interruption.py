"""Real processes, killed: what they leave is taken up, and the result is that of a training left alone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.conftest import Store

SCRIPT = """
import signal
import sys
from pathlib import Path

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
from src import console, params, paths, training

root, out = Path(sys.argv[1]), Path(sys.argv[2])
section = params.Train(epochs=12, batch_size=4, optimizer="adam", learning_rate=1e-3,
                       augment=params.Augment(rotation=20, shift=0.1, zoom=0.1, flip="horizontal"))
console.run(lambda: training.train(
    paths.Prepared(root / "prepared"), paths.Split(root / "split"), paths.Model(out),
    params.Model(name="dropout_cnn", dropout=0.4), section, 1, checkpoints=out.with_suffix(".checkpoints")))
"""


def start(store: Store, out: Path) -> subprocess.Popen[str]:
    """Start a training in a process of its own."""
    command = [sys.executable, "-c", SCRIPT, str(store.root), str(out)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."})


def stop_after(training: subprocess.Popen[str], line: str, sign: signal.Signals) -> int:
    """Send a signal as soon as the training writes a line that starts so, and wait for its end."""
    for written in training.stderr or ():
        if written.startswith(line):
            training.send_signal(sign)
    return training.wait()


def finish(training: subprocess.Popen[str]) -> list[str]:
    """Let a training end well and give the lines that it wrote."""
    _, written = training.communicate()
    assert training.returncode == 0, written
    return written.splitlines()


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_a_killed_and_an_interrupted_training_end_as_one_left_alone(store: Store, tmp_path: Path) -> None:
    alone, broken = start(store, tmp_path / "alone"), start(store, tmp_path / "broken")
    assert stop_after(broken, "epoch 2/12", signal.SIGKILL) == -signal.SIGKILL
    assert not (tmp_path / "broken").exists()
    assert stop_after(start(store, tmp_path / "broken"), "epoch 5/12", signal.SIGINT) == 130
    assert not (tmp_path / "broken").exists()
    lines = finish(start(store, tmp_path / "broken"))
    expected = finish(alone)
    assert any(line.startswith("going on after epoch ") for line in lines)
    assert lines[-1] == expected[-1]
    assert all(line.startswith(("epoch ", "going on ")) for line in [*lines, *expected]), "TensorFlow's chatter"
    assert outputs(tmp_path / "broken") == outputs(tmp_path / "alone")
    assert not (tmp_path / "broken.checkpoints").exists()
