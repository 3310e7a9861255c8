"""The stages before training, brought up to date through DVC before a study reads what they wrote."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

from src.errors import AssayError

log = logging.getLogger(__name__)
LAST = "split"
WITHIN = "DVC_STAGE"  # set by DVC for the command of a stage, whose repository is locked and whose inputs are ready


def bring_up_to_date() -> None:
    """Run `dvc repro split` where something that the parts depend on has changed.

    Raises:
        AssayError: a stage failed; it has said why.
        KeyboardInterrupt: asked for by Ctrl-C, after DVC came to its end.
    """
    if WITHIN in os.environ:
        return
    if _call("status", "--quiet", "--with-deps", LAST) == 0:
        return
    log.info("inputs: dvc repro %s", LAST)
    code = _call("repro", LAST)
    if code:
        raise AssayError(f"inputs: expected `dvc repro {LAST}` to succeed, found exit code {code}; see above")


def _call(*words: str) -> int:
    """Run DVC to its end; Ctrl-C reaches it as well, so that its stage can end in order."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    signals: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: signals.append(number))  # no child inherits a function
    try:
        code = subprocess.call([sys.executable, "-m", "dvc", *words], env=os.environ | {"PATH": path})
    finally:
        signal.signal(signal.SIGINT, before)
    if signals:
        raise KeyboardInterrupt
    return code
