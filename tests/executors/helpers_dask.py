"""A real Dask cluster of processes on this machine, each in a folder of its own, for tests."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DASK = [sys.executable, "-m", "dask"]
PRIVATE = ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]  # as in docs/cluster.md


@dataclass
class DaskCluster:
    """A scheduler and workers; `prefixes` run them elsewhere, as in a network namespace."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = 0
    scheme: str = "tcp"
    environment: Mapping[str, str] = field(default_factory=dict)
    scheduler: "subprocess.Popen[bytes] | None" = None
    workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def start_scheduler(self, *more: str, prefix: Sequence[str] = ()) -> None:
        self.port = self.port or free_port()
        options = ["--host", self.host, "--port", str(self.port), *PRIVATE, "--no-show"]
        self.scheduler = self._run("scheduler", [*prefix, *DASK, "scheduler", *options, *more])

    def start_worker(self, name: str, *options: str, prefix: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
        """Start a worker in a folder of this name, so that nothing but the scheduler joins it to the others."""
        given = [self.address, *PRIVATE, "--nthreads", "1", "--local-directory", str(self.folder / name)]
        self.workers.append(self._run(name, [*prefix, *DASK, "worker", *given, *options]))
        return self.workers[-1]

    def end(self) -> None:
        for process in (*self.workers, *filter(None, [self.scheduler])):
            kill(process)

    def _run(self, name: str, command: list[str]) -> "subprocess.Popen[bytes]":
        place = self.folder / name
        place.mkdir(parents=True, exist_ok=True)
        quiet = os.environ | {
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
            "CUDA_VISIBLE_DEVICES": "",
            **self.environment,
        }
        with (place / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=place, env=quiet, stdout=log, stderr=log, start_new_session=True)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and those that it started: a nanny and its worker."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def until(condition: object, seconds: float = 20.0) -> None:
    """Wait until a function gives something true."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError("waited in vain")
        time.sleep(0.05)
