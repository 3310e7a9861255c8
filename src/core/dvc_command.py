"""Run DVC: `python -m src.core.dvc_command repro`. Files that an earlier killed run left damaged are repaired first.

DVC runs as a child process in the same process group, so that Ctrl-C in a terminal reaches DVC and its stage.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
from filelock import FileLock, Timeout

from src.core import console, dvc_state, nested, redact, yaml_file
from src.core.errors import AssayError
from src.core.paths import PARAMS

log = logging.getLogger(__name__)
MAIN = Path(__file__).with_name("dvc_main.py")
POLL = 0.3  # seconds


def main() -> None:
    """Run the DVC command given on the command line."""
    if code := run(*sys.argv[1:]):
        sys.exit(code)


def run(*words: str) -> int:
    """Run DVC with these arguments in the working directory and return its exit code; `repro` waits for other runs.

    Raises:
        AssayError: params.yaml is too large or holds a secret, DVC's state is beyond repair, or the system killed DVC.
        KeyboardInterrupt: on Ctrl-C, after DVC and its stage have ended.
        SystemExit: on SIGTERM, likewise.
    """
    home = Path.cwd()
    dvc_state.settle(home)
    # Read with limits first: DVC expands YAML aliases, and would hang on one that expands to millions of values.
    _refuse_secrets(yaml_file.read(PARAMS))
    with _turn(home) if "repro" in words else nullcontext():
        if not dvc_state.running(home):
            dvc_state.mend(home)
        try:
            code = _wait([sys.executable, "-P", str(MAIN), *words])
        finally:
            dvc_state.keep(home)
    if code == -signal.SIGKILL:
        raise AssayError(
            "dvc: killed by the system, as a rule because memory ran out (dmesg tells); free memory, then run it again"
        )
    return 128 - code if code < 0 else code


def _refuse_secrets(params: Any) -> None:
    """Refuse secrets in params.yaml: DVC would write them into dvc.lock, and into its error for a missing source."""
    for key, value in nested.flat(params) if isinstance(params, Mapping) else ():
        try:
            redact.refuse_secrets(str(value))
        except ValueError as error:
            raise AssayError(f"{PARAMS}: {key}: {error}") from None


@contextmanager
def _turn(home: Path) -> Iterator[None]:
    """Wait until no other run of DVC changes this repository, and say so in one line."""
    lock = FileLock(home / dvc_state.TEMPORARY / "turn.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("dvc: waiting for another run in this folder to end")
        lock.acquire()
    try:
        logged = False
        while others := dvc_state.running(home):
            if not logged:
                log.info("dvc: waiting for process %d (%s) in this folder to end", *others[0])
            logged = True
            time.sleep(POLL)
        yield
    finally:
        lock.release()


def _wait(command: list[str]) -> int:
    """Run a command and return its exit code. It handles Ctrl-C itself; SIGTERM is passed on as Ctrl-C."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:  # not SIG_IGN, which a child would inherit
        received.append(number)
        if number == signal.SIGTERM:
            _stop(at_once=received.count(number) > 1)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # stages run `python`
        child = subprocess.Popen(command, env=os.environ | {"PATH": path})
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if signal.SIGTERM in received:
        sys.exit(128 + signal.SIGTERM)
    if received:
        raise KeyboardInterrupt
    return code


def _stop(at_once: bool) -> None:
    """Send SIGINT, as Ctrl-C does, to DVC and its stage, or kill them if `at_once`."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            process.send_signal(signal.SIGKILL if at_once else signal.SIGINT)


if __name__ == "__main__":
    console.run(main)
