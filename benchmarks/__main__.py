"""Every benchmark, or a short form of those that take seconds, and one table of claim, result and mark.

python -m benchmarks [--quick]: the ratios of --quick are coarse.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from benchmarks._report import note

LINE = re.compile(r"(?P<claim>.+): (?P<value>\S+) \(expected (?P<mark>.+): (?P<met>met|MISSED)\)")
FOLDER = Path(__file__).parent
QUICK: dict[str, list[str]] = {
    "augment": [],
    "frozen": ["--images", "120", "--side", "128", "--rounds", "1"],
    "lookalike": ["--count", "12"],
    "noop": [],
    "predict": ["--images", "60", "--rounds", "1"],
    "preprocess": ["--images", "100", "--rounds", "2"],
    "racing": ["--studies", "5"],
}


def main() -> None:
    """Run them one after the other, and leave with exit code 1 where a mark is missed or a benchmark fails."""
    quick = _arguments().quick
    rows, failed = [], []
    for name in QUICK if quick else sorted(path.stem for path in FOLDER.glob("[a-z]*.py")):
        started = time.monotonic()
        found, code = _run(name, QUICK[name] if quick else [])
        note(f"{name}: {time.monotonic() - started:.0f} s")
        rows += found
        if code and not any(met == "MISSED" for *_, met in found):
            failed.append(name)
    note("\n| claim | measured | mark | |\n|---|---|---|---|")
    for row in rows:
        note(f"| {' | '.join(row)} |")
    if failed:
        note(f"failed: {', '.join(failed)}")
    if failed or any(met == "MISSED" for *_, met in rows):
        sys.exit(1)


def _run(name: str, words: list[str]) -> tuple[list[tuple[str, ...]], int]:
    """Run a benchmark, pass on what it writes, and return the rows of what it reports and its exit code."""
    rows: list[tuple[str, ...]] = []
    command = [sys.executable, "-m", f"benchmarks.{name}", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            note(line.rstrip("\n"))
            if found := LINE.match(line):
                rows.append((found["claim"], found["value"], found["mark"], found["met"]))
    return rows, process.returncode


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a short form of those that take seconds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
