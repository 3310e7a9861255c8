"""Runs DVC as a script, `python dvc_main.py repro`, and explains the error in words if the system killed a stage."""

import logging
import re
import sys

from dvc.cli import main
from dvc.repo import scm_context

KILLED = re.compile(r"failed to run: (?P<command>.*), exited with (-9|137)$")  # 137 through a shell, -9 without one
HINTS = {
    "preprocess": "a smaller preprocess.max_megapixels",
    "train": "a smaller train.batch_size, fewer train.threads or smaller images",
    "repeat": "a smaller train.batch_size or smaller images",
    "tune": "a smaller train.batch_size, also in tune.space, or smaller images",
    "confirm": "a smaller train.batch_size or smaller images",
}


class Killed(logging.Handler):
    """Writes a line to stderr after a DVC error that was caused by a killed stage."""

    def emit(self, record: logging.LogRecord) -> None:
        """Search the chain of exceptions attached to a record for a killed stage."""
        error = record.exc_info[1] if record.exc_info else None
        while error is not None:
            if found := KILLED.match(str(error)):
                sys.stderr.write(f"error: {explained(found['command'])}\n")
                return
            error = error.__cause__


def explained(command: str) -> str:
    """Return what happened to a stage that ended with SIGKILL, and what to do.

    >>> explained("python -m stages.download")
    'download: killed by the system, as a rule because memory ran out (dmesg tells); free memory, then run it again'
    """
    stage = command.split()[-1].removeprefix("stages.")
    hint = f"set {HINTS[stage]} in params.yaml, or free memory" if stage in HINTS else "free memory"
    return f"{stage}: killed by the system, as a rule because memory ran out (dmesg tells); {hint}, then run it again"


if __name__ == "__main__":
    logging.getLogger("dvc").addHandler(Killed(logging.ERROR))
    scm_context.logger.setLevel(logging.WARNING)  # hides its hint to `git add` files that did not change
    sys.argv[0] = "dvc"  # the name that DVC writes into its lock files
    sys.exit(main(sys.argv[1:]))
