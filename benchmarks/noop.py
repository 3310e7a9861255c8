"""A `dvc repro` that has nothing to do, against one of a bare DVC pipeline of as many stages, in CPU time."""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks._report import note, report

ROOT = Path(__file__).parent.parent
ROUNDS = 7
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def main() -> None:
    """Bring this repository up to date, make the bare pipeline, then time both in turn."""
    dvc(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        bare = make_bare(Path(folder))
        dvc(bare)
        pairs = [(seconds(ROOT), seconds(bare)) for _ in range(ROUNDS)]
    ours, peer = (statistics.median(times) for times in zip(*pairs, strict=True))
    note(f"CPU seconds: {ours:.2f}, bare {peer:.2f}")
    report("no-op `dvc repro`, CPU time against a bare DVC pipeline of as many stages", ours / peer, at_most=1.3)


def make_bare(folder: Path) -> Path:
    """Make a pipeline of stages that each copy the file of the one before."""
    stages = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
    count = len(stages) + 1  # data.dvc is one more
    (folder / "0").write_text("start")
    chain = {
        f"stage{number}": {"cmd": f"cp {number} {number + 1}", "deps": [f"{number}"], "outs": [f"{number + 1}"]}
        for number in range(count)
    }
    with (folder / "dvc.yaml").open("w") as file:
        YAML().dump({"stages": chain}, file)
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=lambda *_: ["cache", "tmp"])
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def seconds(folder: Path) -> float:
    """Return the CPU seconds of one `dvc repro`, which other work on the machine hardly changes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    dvc(folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def dvc(folder: Path) -> None:
    """Run `dvc repro` quietly."""
    subprocess.run(["dvc", "repro", "--quiet"], cwd=folder, env=ENVIRONMENT, check=True)


if __name__ == "__main__":
    main()
