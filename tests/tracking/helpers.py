"""A small repository as it stands after the stages ran, and a real MLflow server on loopback."""

import ctypes
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from src.presets import changed
from tests.conftest import ROOT

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
VALUES = {
    "dataset.positive": "CT_COVID", "dataset.source": "data/covid_ct", "model.name": "tiny_cnn", "train.epochs": 60,
    "train.batch_size": 30, "train.learning_rate": 1e-4, "train.augment.rotation": 40, "evaluate.confidence": 0.95,
    "track.model": True, "track.experiment": "covid_ct",
}  # fmt: skip
PARAMS = changed((ROOT / "params.yaml").read_text(encoding="utf-8"), VALUES, "params.yaml")
DVC = """
stages:
  train:
    cmd: python -m stages.train
    deps: [src/one.py, "src/models/${model.name}.py", build/prepared/images.npy, build/split/split.csv]
    params: [seed, model, train]
    outs: [build/model]
"""
LOCK = """
schema: '2.0'
stages:
  train:
    outs:
    - {path: build/model, hash: md5, md5: abc.dir, size: 1, nfiles: 3}
"""
SCORES = {
    "threshold": 0.4,
    "test": {"images": 2, "groups": 2, "auc": {"value": 0.8, "low": 0.6, "high": 0.9}, "accuracy": {"value": 0.75}},
}
SUMMARY = {"test_auc": 0.8, "test_accuracy": 0.75, "val_auc": 0.9}


def write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def fill(root: Path, *, model: bool = False) -> None:
    """Write what the stages before tracking write, as small as it can be."""
    write(root / "params.yaml", PARAMS if model else PARAMS.replace("model: true", "model: false"))
    write(root / "dvc.yaml", DVC)
    write(root / "dvc.lock", LOCK)
    write(root / "src/one.py", "ONE = 1\n")
    write(root / "src/models/tiny_cnn.py", "TWO = 2\n")
    (root / "build/prepared").mkdir(parents=True)
    np.save(root / "build/prepared/images.npy", np.zeros((6, 8, 8, 1), np.uint8))
    rows = "".join(f"{n}.png,{'ab'[n % 2]},p{n // 2},\n" for n in range(6))
    write(root / "build/prepared/index.csv", f"path,label,group,fold\n{rows}")
    parts = ("train", "train", "val", "val", "test", "test")
    write(
        root / "build/split/split.csv",
        "row,part,group\n" + "".join(f"{n},{part},p{n // 2}\n" for n, part in enumerate(parts)),
    )
    write(
        root / "build/split/audit.json",
        json.dumps({"shortcut_auc": 0.97, "exact_duplicates": 3, "remaining_auc": None, "warnings": []}),
    )
    write(root / "build/split/pairs.png", PNG)
    write(root / "build/prepared/steps.png", PNG)
    trained(root)
    write(root / "build/probe/probe.json", json.dumps({"probe": {"auc": {"value": 0.7}}}))
    write(root / "build/evaluation/metrics.json", json.dumps(SCORES))
    write(root / "build/evaluation/summary.json", json.dumps(SUMMARY))
    write(root / "build/evaluation/figures/roc.png", PNG)
    write(root / "build/evaluation/report.html", "<p><!-- run -->here<!-- /run --></p>")
    write(root / "build/evaluation/predictions.csv", "row,part\n4,test\n")


def trained(root: Path = Path()) -> None:
    """Write what the train stage writes, without training."""
    rows = "".join(f"{n},{1 / n:.6f},0.5,{1.1 / n:.6f}\n" for n in range(1, 5))
    write(root / "build/model/history.csv", f"epoch,loss,auc,val_loss\n{rows}")
    write(root / "build/model/classes.json", '["a", "b"]')


class Server:
    """A real `mlflow server` that can go away and come back with what it holds."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._process is None:
            command = [sys.executable, "-m", "mlflow", "server", "--port", str(self.port), "--workers", "1"]
            store = ["--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}"]
            store += ["--artifacts-destination", str(self.folder / "artifacts")]
            quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
            self._process = subprocess.Popen(
                command + store, cwd=self.folder, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        wait_for(lambda: urllib.request.urlopen(f"{self.uri}/health", timeout=1).status == 200, 300)

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, 15)
            self._process.wait(30)
            self._process = None


@contextmanager
def read_only(file: Path) -> Iterator[None]:
    """Take away the right to write a file and its folder; from root, too, whom rights do not bind else."""
    modes = {path: path.stat().st_mode for path in (file, file.parent)}
    for path in modes:
        path.chmod(0o555)
    with _bound_by_rights():
        yield
    for path, mode in modes.items():
        path.chmod(mode)


@contextmanager
def _bound_by_rights() -> Iterator[None]:
    libc = ctypes.CDLL(None)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3 of capget(2), this thread
    kept, given = ((ctypes.c_uint32 * 6)() for _ in range(2))  # effective, permitted, inheritable: twice 32 bits
    libc.capget(header, kept)
    ctypes.memmove(given, kept, ctypes.sizeof(kept))
    given[0] &= ~(1 << 1)  # CAP_DAC_OVERRIDE
    libc.capset(header, given)
    try:
        yield
    finally:
        libc.capset(header, kept)


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Ask until the answer is yes."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing after {seconds} s")
        time.sleep(0.2)
