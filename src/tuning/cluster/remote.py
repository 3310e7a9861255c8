"""The process that trains on a worker of a cluster: jobs come as lines of JSON, and so goes what they give.

Started by `relaying` as `python -m src.tuning.cluster.remote TARGET`, and kept while jobs come. A process of its own,
since Dask draws from Python's random numbers in its worker whenever it likes, on which the first weights depend.
"""

import json
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from src.tuning import memory
from src.tuning.jobs import Failed, Finished, Job, Row
from src.tuning.worker import Run, done, found

OUTPUT, ERRORS = 1, 2
ORPHANED = 1


def main(target: str) -> None:
    """Train one job after the other until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches a whole terminal; the worker decides
    said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(said,), daemon=True).start()
    with os.fdopen(os.dup(OUTPUT), "w", encoding="utf-8") as out:
        os.dup2(ERRORS, OUTPUT)  # whatever else is written is no message
        logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
        run = found(target)
        while True:
            given = said.get()
            _train(run, Job(**given["job"]), Path(given["home"]), said, out)


def _train(run: Run, job: Job, home: Path, said: "queue.SimpleQueue[dict[str, Any]]", out: IO[str]) -> None:
    def report(row: Row) -> bool:
        _say(out, {"kind": "epoch", "row": _plain(row)})
        return bool(said.get()["go_on"])

    ended = done(run, job, report, home)
    content = {"kind": "failed", "reason": ended.reason} if isinstance(ended, Failed) else _message(ended)
    _say(out, content | {"held": memory.held()})


def _listen(said: "queue.SimpleQueue[dict[str, Any]]") -> None:
    """Pass on what comes; leave at once when the worker is gone, also in the middle of an epoch."""
    for line in sys.stdin:
        said.put(json.loads(line))
    os._exit(ORPHANED)


def _say(out: IO[str], content: Mapping[str, Any]) -> None:
    out.write(json.dumps(content) + "\n")
    out.flush()


def _message(finished: Finished) -> dict[str, Any]:
    rows = [_plain(row) for row in finished.rows]
    plain = {"rows": rows, "scores": _plain(finished.scores), "facts": _plain(finished.facts)}
    return {"kind": "finished", **asdict(finished)} | plain


def _plain(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}


if __name__ == "__main__":
    main(sys.argv[1])
