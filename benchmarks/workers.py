"""Two workers of one thread against one worker of two threads: which trains more trials a minute on two cores?

python -m benchmarks.workers [--trials 8] [--epochs 4] [--rounds 2]: the experiment of params.yaml, brought up to date
first; both in turn, warm, on the same jobs.
"""

import argparse
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks._report import note, report
from src.config import load
from src.config.overrides import with_values
from src.executors.local import LocalExecutor
from src.executors.protocol import Failed, Job
from src.executors.workers import run_all

KINDS = ((2, 1), (1, 2))  # workers, threads of each


def main() -> None:
    """Measure both, in turn, and compare the medians."""
    arguments = _arguments()
    subprocess.run(["dvc", "repro", "--quiet", "split"], check=True)
    content = load().model_dump(mode="json")
    made = [jobs(content, arguments.trials, arguments.epochs) for _ in range(arguments.rounds)]
    rates: dict[tuple[int, int], list[float]] = {kind: [] for kind in KINDS}
    for each in made:
        for kind in KINDS:
            rates[kind].append(rate(*kind, each, content))
    for (workers, threads), found in rates.items():
        note(f"{workers} x {threads} threads, trials a minute: {', '.join(f'{value:.2f}' for value in found)}")
    many, wide = (statistics.median(rates[kind]) for kind in KINDS)
    report("two one-thread workers against one of two threads, trials a minute", many / wide, at_least=1.0)


def jobs(content: dict[str, Any], count: int, epochs: int) -> list[Job]:
    """Make jobs that differ in stride and batch size, as those of a study do."""
    same = {"train.epochs": epochs, "train.patience": epochs}
    values = [same | {"model.stride": 1 + n % 2, "train.batch_size": 16 << n // 2 % 2} for n in range(count)]
    return [Job(number, with_values(content, each), number) for number, each in enumerate(values)]


def rate(workers: int, threads: int, work: Sequence[Job], content: dict[str, Any]) -> float:
    """Train jobs on warm workers; give trials a minute."""
    with TemporaryDirectory() as folder:
        executor = LocalExecutor(workers, threads, Path(folder), Path.cwd())
        try:
            _train(jobs(content, workers, 1), executor)
            started = time.perf_counter()
            _train(work, executor)
            return 60 * len(work) / (time.perf_counter() - started)
        finally:
            executor.close()


def _train(work: Sequence[Job], executor: LocalExecutor) -> None:
    for end in run_all(work, executor):
        if isinstance(end, Failed):
            raise SystemExit(f"trial {end.number} failed: {end.reason}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
