"""One trial in a process of its own, as a plain search would start it: a job as JSON on stdin, its scores on stdout."""

import json
import os
import sys
from pathlib import Path

from src.executors import training
from src.executors.protocol import Job

OUTPUT, ERRORS = 1, 2


def main() -> None:
    """Train to the end, whatever the epochs say on the way."""
    out = os.fdopen(os.dup(OUTPUT), "w")
    os.dup2(ERRORS, OUTPUT)
    finished = training.run(Job(**json.load(sys.stdin)), lambda row: True, Path.cwd())
    out.write(json.dumps({name: float(value) for name, value in finished.scores.items()}))
    out.close()


if __name__ == "__main__":
    main()
