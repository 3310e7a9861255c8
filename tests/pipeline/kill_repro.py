"""Kills DVC runs at random and at the worst moments: `python -m tests.pipeline.kill_repro --kills 100 --tune 30`.

Each time the whole process group gets SIGKILL, the same command runs again, and dvc.lock and every output must be what
a run gives that nobody killed. The pipeline is small, DVC and what calls it are the real ones; --real takes a copy of
this repository instead, with few epochs, and `python -m src.reproduce` and `python -m src.tune`.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from src.presets import changed
from tests.conftest import ROOT
from tests.pipeline.conftest import Project

STAGES, VALUES = 3, 2
TRIALS = 6
SMALL = {
    "preprocess.image_size": 32, "train.epochs": 2, "train.schedule.warmup": 0, "evaluate.resamples": 100,
    "track.model": False,
}  # fmt: skip
TARGETS = ("dvc.lock", ".dvc/tmp/rwlock", "data.dvc")
WORK = """\
import hashlib, pathlib, sys, time
_, stage, before, seconds = sys.argv
value = pathlib.Path("params.yaml").read_text()
time.sleep(float(seconds))
folder = pathlib.Path("build", stage)
folder.mkdir(parents=True, exist_ok=True)
for number in range(5):
    content = f"{stage} {value} {number} {sorted(p.name for p in pathlib.Path(before).iterdir())}"
    (folder / f"{number}.txt").write_text(hashlib.sha256(content.encode()).hexdigest())
"""
REPRO = "from src.core import console, dvc_command; console.run(lambda: sys.exit(dvc_command.run('repro')))"
TUNE = (
    "from src.core import console; from src.executors import training_inputs; "
    "from tests.tune import helpers_search as searching; "
    f"console.run(lambda: (training_inputs.bring_up_to_date(), searching.search(Path.cwd(), {TRIALS}, 1)))"
)
SCRIPT = "import sys; from pathlib import Path; sys.path.insert(0, {root!r})\nif __name__ == '__main__':\n    {what}\n"


class Pipeline:
    """A small DVC pipeline under git, and the commands `repro` and `tune` in it."""

    def __init__(self, folder: Path, seconds: float = 0.05) -> None:
        self.folder = folder
        (folder / "samples").mkdir(parents=True)
        for number in range(5):
            (folder / "samples" / f"{number}.txt").write_text(str(number))
        (folder / "work.py").write_text(WORK)
        (folder / "repro.py").write_text(SCRIPT.format(root=str(ROOT), what=REPRO))
        (folder / "tune.py").write_text(SCRIPT.format(root=str(ROOT), what=TUNE))
        (folder / "data.dvc").write_text("deps:\n- path: samples\nouts:\n- path: data\n")
        (folder / "dvc.yaml").write_text(_stages(seconds))
        (folder / ".gitignore").write_text("/build\n/data\n/studies\n__pycache__/\n.dvc_site_cache/\n")
        self.set(0)
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "config.local"))

    def set(self, value: int) -> None:
        (self.folder / "params.yaml").write_text(f"value: {value}\n")

    def start(self, command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, f"{command}.py"], cwd=self.folder, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def finish(self, command: str) -> str:
        """Run a command to its end and return what it wrote.

        Raises:
            AssertionError: it failed.
        """
        running = self.start(command)
        written, _ = running.communicate(timeout=3600)  # two cores that others use too
        assert running.returncode == 0, written
        return written

    def forget(self) -> None:
        """Empty DVC's cache, so that stages run and are not restored."""
        shutil.rmtree(self.folder / ".dvc" / "cache", ignore_errors=True)
        shutil.rmtree(self.folder / "studies", ignore_errors=True)

    def state(self) -> dict[str, str]:
        """Return the digests of dvc.lock, data.dvc and every output."""
        files = [self.folder / "dvc.lock", self.folder / "data.dvc", *(self.folder / "build").rglob("*.txt")]
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }


class Repository(Pipeline):
    """A copy of this repository, trained for two epochs, and a search of two trials."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.project, self.folder = Project(folder), folder
        self.parameters = self.project.read("params.yaml")
        (folder / "dvc.lock").unlink()
        self.set(0)

    def set(self, value: int) -> None:
        text = changed(self.parameters, SMALL | {"seed": value + 1}, "params.yaml")
        (self.folder / "params.yaml").write_text(text, encoding="utf-8")

    def start(self, command: str) -> "subprocess.Popen[str]":
        words = {"repro": ["src.reproduce"], "tune": ["src.tune", "--trials", "2", "--workers", "1", "--no-confirm"]}
        return subprocess.Popen(
            [sys.executable, "-m", *words[command]], cwd=self.folder, env=self.project.environment, text=True,
            start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def forget(self) -> None:
        super().forget()
        shutil.rmtree(self.folder / "build", ignore_errors=True)

    def state(self) -> dict[str, str]:
        files = [self.folder / name for name in ("dvc.lock", "data.dvc", "build/evaluation/metrics.json")]
        found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.exists()}
        for path in (self.folder / "build" / "studies").glob("*/journal.log"):
            found["trials ended"] = str(sum('"op_code":6' in line and '"values":[' in line for line in path.open()))
        return found


def _stages(seconds: float) -> str:
    lines, before = ["stages:"], "data"
    for name in [*(f"s{number}" for number in range(STAGES - 1)), "split"]:
        lines += [f"  {name}:", f"    cmd: python work.py {name} {before} {seconds}", f"    deps: [work.py, {before}]"]
        lines += ["    params: [value]", f"    outs: [build/{name}]"]
        before = f"build/{name}"
    return "\n".join(lines) + "\n"


def kill(running: "subprocess.Popen[str]") -> bool:
    """Kill a whole process group; False if the command had ended already."""
    ended = running.poll() is not None
    if not ended:
        os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    return not ended


def kill_after(running: "subprocess.Popen[str]", seconds: float) -> bool:
    """Kill a run after so many seconds."""
    time.sleep(seconds)
    return kill(running)


def kill_at_write(running: "subprocess.Popen[str]", path: Path, nth: int) -> bool:
    """Kill a run at the nth change of a file, polled without a pause: often while it is being written."""
    changes, last = 0, _stamp(path)
    while running.poll() is None:
        for _ in range(200):
            if (now := _stamp(path)) != last:
                changes, last = changes + 1, now
                if changes == nth:
                    return kill(running)
    return kill(running)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, -1)
    return (found.st_mtime_ns, found.st_size)


def attack(pipeline: Pipeline, command: str, times: int, chance: random.Random, say: Callable[[str], None]) -> int:
    """Kill a command so many times and return how often the second run was right."""
    reference = type(pipeline)(pipeline.folder.with_name(f"{command}-reference"))
    wanted, took = {}, 0.0
    for value in range(VALUES):
        reference.forget()
        reference.set(value)
        began = time.monotonic()
        reference.finish(command)
        took = max(took, time.monotonic() - began)
        wanted[value] = reference.state()
    right, tally = 0, Counter[str]()
    for number in range(times):
        pipeline.forget()
        pipeline.set(number % VALUES)
        running = pipeline.start(command)
        if number % 2:
            target, nth = chance.choice(TARGETS), chance.randint(1, 3 * STAGES)
            how = f"at change {nth} of {target}"
            killed = kill_at_write(running, pipeline.folder / target, nth)
        else:
            seconds = chance.uniform(0, took)
            how = f"after {seconds:.2f} s"
            killed = kill_after(running, seconds)
        empty = [name for name in TARGETS if _stamp(pipeline.folder / name)[1] == 0]
        try:
            written = pipeline.finish(command)
            assert pipeline.state() == wanted[number % VALUES], f"another result\n{written}"
            right += 1
        except AssertionError as error:
            say(f"{command} {number + 1} of {times}: WRONG, killed {how}, empty {empty}: {error}")
            continue
        mended = written.count("brought back") + written.count("removed")
        tally.update({"killed": killed, "left empty": bool(empty), "mended": bool(mended)})
        ended = f"killed {how}" if killed else "ended before its kill"
        say(f"{command} {number + 1} of {times}: right, {ended}, empty {empty}; right so far {right}")
    say(f"{command}: right {right} of {times}; of them {', '.join(f'{tally[name]} {name}' for name in tally)}")
    return right


def main() -> None:
    """Attack both commands and fail unless every second run was right."""
    parser = argparse.ArgumentParser("python -m tests.pipeline.kill_repro", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="of repro")
    parser.add_argument("--tune", type=int, default=30, help="of a search")
    parser.add_argument("--real", action="store_true", help="a copy of this repository, about a minute a kill")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    sys.stdout.write(f"seed {asked.seed}\n")
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        for command, times in (("repro", asked.kills), ("tune", asked.tune)):
            if not times:
                continue
            pipeline = (Repository if asked.real else Pipeline)(Path(folder) / command)
            chance = random.Random(asked.seed)
            missed += times - attack(pipeline, command, times, chance, lambda text: print(text, flush=True))  # noqa: T201
    sys.exit(missed != 0)


if __name__ == "__main__":
    main()
