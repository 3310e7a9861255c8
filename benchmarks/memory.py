"""What a worker that trains trial after trial holds in memory: it may grow, but not for ever.

python -m benchmarks.memory [--trials 200]: tiny trainings on the images of params.yaml, brought up to date first.
"""

import argparse
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks._report import note, report
from src.config import load
from src.config.overrides import with_values
from src.executors import child
from src.executors.local import LocalExecutor
from src.executors.protocol import Epoch, Failed, Finished, Job

MARGIN = 1.25  # of the limit, since a worker is replaced only between two trials


def main() -> None:
    """Train, look at the worker's memory after each trial, and compare its growth with what is allowed."""
    arguments = _arguments()
    child.LIMIT = arguments.growth
    subprocess.run(["dvc", "repro", "--quiet", "split"], check=True)
    content = load().model_dump(mode="json")
    with TemporaryDirectory() as folder:
        executor = LocalExecutor(1, 1, Path(folder), Path.cwd())
        try:
            held = []
            for number in range(arguments.trials):
                held.append(_trained(executor, content, number))
                if number % max(1, arguments.trials // 10) == 0:
                    note(f"after trial {number + 1}: {held[-1][1]:.0f} MB")
        finally:
            executor.close()
    processes = len({process for process, _ in held})
    sizes = [size for _, size in held]
    same = [size for process, size in held if process == held[0][0]]
    note(f"{(same[-1] - same[0]) / max(1, len(same) - 1):.1f} MB a trial in one process, {processes} processes in all")
    growth = (max(sizes) - sizes[0]) / arguments.growth
    report(f"growth over {len(sizes)} trials against the {arguments.growth:.0f} MB allowed", growth, at_most=MARGIN)


def _trained(executor: LocalExecutor, content: dict[str, Any], number: int) -> tuple[int, float]:
    """Train a job that differs from the one before, and give the worker's process and megabytes."""
    values = {
        "train.epochs": 1, "train.patience": 1, "model.stride": 2 + number % 3, "train.batch_size": 16 + number % 5,
        "model.name": ("tiny_cnn", "compact_cnn")[number % 2], "model.dropout": number % 8 / 10,
    }  # fmt: skip
    executor.submit(Job(number, with_values(content, values), number))
    while True:
        match executor.next(60):
            case Epoch(number=found):
                held = executor.processes[0], _megabytes(executor.processes[0])
                executor.answer(found, go_on=True)
            case Finished():
                return held
            case Failed(reason=reason):
                raise SystemExit(f"trial {number} failed: {reason}")


def _megabytes(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=200)
    more = "megabytes after which a worker is replaced"
    parser.add_argument("--growth", type=float, default=child.LIMIT, help=more)
    return parser.parse_args()


if __name__ == "__main__":
    main()
