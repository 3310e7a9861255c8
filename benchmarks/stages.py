"""Where the time of a first `make repro` on the samples goes: each stage, and how much of it is imports.

python -m benchmarks.stages: in a fresh clone of the last commit, with this environment. A bare import of the libraries
that a stage loads is what no change of the stage can save.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from ruamel.yaml import YAML

from benchmarks._report import note, report

ROOT = Path(__file__).parent.parent
LINE = re.compile(r"import time:\s+(\d+) \|")
MICROSECONDS = 1e6
EVALUATE = re.compile(rb"predicting [^:]*: (\d+) of \1 ")  # its line when all is predicted


def main() -> None:
    """Run everything once as a newcomer does, then each stage by itself."""
    with TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        whole = _timed(clone, "src.reproduce")[0]
        rows = [(name, *_timed(clone, f"stages.{name}")) for name in _stages(clone)]
        after = _after_predict(clone)
    note("| stage | seconds | of which imports |\n|---|---|---|")
    for name, seconds, imports in rows:
        note(f"| {name} | {seconds:.1f} | {imports:.1f} |")
    note(f"| all stages | {sum(row[1] for row in rows):.1f} | {sum(row[2] for row in rows):.1f} |")
    report("seconds of a first make repro on the samples, installed", whole, at_most=25)
    report("seconds of evaluate after its prediction", after, at_most=3)


def _stages(clone: Path) -> list[str]:
    return list(YAML(typ="safe", pure=True).load(clone / "dvc.yaml")["stages"])


def _timed(clone: Path, module: str) -> tuple[float, float]:
    """Return the wall time of a module, and after that how much of another run it imports, in seconds."""
    started = time.monotonic()
    _run(clone, "-m", module)
    seconds = time.monotonic() - started
    if module == "src.reproduce":
        return seconds, 0
    lines = _run(clone, "-X", "importtime", "-m", module).splitlines()
    spent = sum(int(found[1]) for line in lines if (found := LINE.match(line)))
    return seconds, spent / MICROSECONDS


def _after_predict(clone: Path) -> float:
    command = [sys.executable, "-m", "stages.evaluate"]
    with subprocess.Popen(command, cwd=clone, env=_environment(), stderr=subprocess.PIPE) as process:
        begun = time.monotonic()
        for line in process.stderr or ():
            if EVALUATE.match(line):
                begun = time.monotonic()
    return time.monotonic() - begun


def _run(clone: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=clone, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return done.stderr


def _environment() -> dict[str, str]:
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


if __name__ == "__main__":
    main()
