"""Wall time until a study is as good on val as the params file itself, against two other ways to search.

python -m benchmarks.tuning [--home CLONE] [--seeds 42 43 ...] [--peers optuna kerastuner] [--trials 50] [--minutes 40]

Ours: `python -m src.tune`, workers kept warm, pruning. Optuna: its TPE, a fresh process for each trial, no pruning.
KerasTuner: Hyperband on the same space, models and images, installed into a folder of its own for this. Against plain
Optuna a trial has to have the score in its best epoch by val loss; against KerasTuner the first such epoch counts.
The times count from the start of each process, TensorFlow's import and all; a search that ends without the score
counts with all its time. One search is a matter of luck: --seeds repeats all of it, division into parts included, and
the ratios are medians. --home is a clone in which the pipeline has run on other data, whose params.yaml gets the
seeds; without it a fresh clone works on the samples.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML

from benchmarks._report import note, report
from src.config import load
from src.metrics import objectives as scoring

ROOT = Path(__file__).parent.parent
# Without what they require, which is here; KerasTuner calls for tensorboard even where nobody asks for a board.
KERAS_TUNER = ("keras-tuner==1.4.8", "kt-legacy==1.0.5", "tensorboard==2.21.0")
STUDY = "benchmark"
SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True)
class Result:
    """Seconds until the score was reached, or until the search was over without it."""

    seconds: float
    reached: bool
    best: float

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s, {'reached' if self.reached else 'NOT reached'}, best {self.best:.3f}"


@dataclass(frozen=True)
class Bench:
    """Where the searches run, and how far they may go."""

    home: Path
    trials: int
    minutes: int
    workers: int | None

    @property
    def environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PATH": path, "PYTHONPATH": str(self.home), "TF_CPP_MIN_LOG_LEVEL": "3"}

    def run(self, *command: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.home, env=self.environment, input=text, capture_output=True, text=True, check=False
        )


def main() -> None:
    """Let each way search for the score of the params file, with one seed after the other, and compare."""
    arguments = _arguments()
    ratios: dict[str, list[float]] = {peer: [] for peer in arguments.peers}
    with TemporaryDirectory() as folder:
        home = arguments.home.resolve() if arguments.home else _cloned(Path(folder, "clone"), arguments.epochs)
        bench = Bench(home, arguments.trials, arguments.minutes, arguments.workers)
        for seed in arguments.seeds or [load(home / "params.yaml").seed]:
            for peer, ratio in _compared(bench, seed, arguments.peers, Path(folder)).items():
                ratios[peer].append(ratio)
    for peer, found in ratios.items():
        if found:
            note(f"src.tune against {peer}: {', '.join(f'{ratio:.2f}' for ratio in found)}")
            mark = {"optuna": 0.25, "kerastuner": 1.0}[peer]
            report(f"src.tune against {peer}, time to the same score, median", median(found), at_most=mark)


def _compared(bench: Bench, seed: int, peers: Sequence[str], folder: Path) -> dict[str, float]:
    """Let each way search once, and return the time of ours as a share of that of each peer."""
    content = _content(bench, seed)
    metric = content["tune"]["metric"][0]
    if scoring.direction(metric) != "maximize":
        raise SystemExit(f"tune.metric: expected one of which more is better, found {metric}")
    target = _trained(bench, {"number": 0, "params": content, "seed": seed})[metric]
    note(f"seed {seed}, the params file itself: {metric} {target:.3f} on val")
    epoch, ours = search_here(bench, metric, target, whole="optuna" in peers)
    note(f"  src.tune, an epoch: {epoch}" + (f"; a trial: {ours}" if "optuna" in peers else ""))
    ratios = {}
    if "optuna" in peers:
        plain = search_plainly(bench, content, metric, target)
        note(f"  Optuna, a process a trial, no pruning: {plain}")
        ratios["optuna"] = ours.seconds / plain.seconds
    if "kerastuner" in peers and metric == "auc" and (keras := search_with_keras_tuner(bench, target, folder)):
        note(f"  KerasTuner's Hyperband, an epoch: {keras}")
        ratios["kerastuner"] = epoch.seconds / keras.seconds
    return ratios


def search_here(bench: Bench, metric: str, target: float, *, whole: bool) -> tuple[Result, Result]:
    """Run `python -m src.tune` and watch its study: until an epoch has the score and, if asked for, a whole trial."""
    journal = bench.home / "build/studies" / STUDY / "journal.log"
    journal.unlink(missing_ok=True)
    command = [sys.executable, "-m", "src.tune", "--trials", str(bench.trials), "--study", STUDY, "--no-confirm"]
    command += ["--timeout", str(bench.minutes)] + (["--workers", str(bench.workers)] if bench.workers else [])
    started, epoch, trial = time.monotonic(), None, None
    with Path(bench.home, "build/benchmark.log").open("w") as log:
        process = subprocess.Popen(command, cwd=bench.home, env=bench.environment, stdout=log, stderr=log)
        try:
            while epoch is None or (trial is None and whole):
                over, (best_epoch, best) = process.poll() is not None, _best(journal)
                seconds = time.monotonic() - started
                if epoch is None and (best_epoch >= target or best >= target or over):
                    epoch = Result(seconds, best_epoch >= target, best_epoch)
                if best >= target or over:
                    trial = Result(seconds, best >= target, best)
                time.sleep(SECONDS_BETWEEN_LOOKS)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
    if epoch.best == float("-inf"):
        raise SystemExit(f"src.tune: {Path(bench.home, 'build/benchmark.log').read_text()[-2000:]}")
    return epoch, trial or epoch


def _best(journal: Path) -> tuple[float, float]:
    """Return the best value that a study in progress has of any epoch, and of a trial that ended."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    nothing = float("-inf")
    try:
        trials = optuna.load_study(study_name=STUDY, storage=JournalStorage(JournalFileBackend(str(journal)))).trials
    except (KeyError, ValueError, FileNotFoundError):  # not yet, or in the middle of a line
        return nothing, nothing
    whole = max((t.value for t in trials if t.state.name == "COMPLETE" and t.value is not None), default=nothing)
    return max((value for t in trials for value in t.intermediate_values.values()), default=nothing), whole


def search_plainly(bench: Bench, content: Mapping[str, Any], metric: str, target: float) -> Result:
    """Ask Optuna, train to the end in a fresh process, tell; one trial after the other."""
    import optuna

    from src.config import parse
    from src.config.overrides import with_values
    from src.tune.space import checked, suggest

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=content["seed"]))
    space, best, started = checked(parse(content)), float("-inf"), time.monotonic()
    for number in range(bench.trials):
        trial = study.ask()
        params = with_values(content, suggest(trial, space))
        scores = _trained(bench, {"number": number, "params": params, "seed": content["seed"]}, strict=False)
        if metric not in scores:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, scores[metric])
            best = max(best, scores[metric])
        if best >= target or time.monotonic() - started > bench.minutes * 60:
            break
    return Result(time.monotonic() - started, best >= target, best)


def search_with_keras_tuner(bench: Bench, target: float, folder: Path) -> Result | None:
    """Install KerasTuner beside everything else and run its Hyperband; None where it cannot be installed."""
    packages = folder / "packages"
    installed = bench.run("uv", "pip", "install", "--quiet", "--no-deps", "--target", str(packages), *KERAS_TUNER)
    if installed.returncode:
        note(f"KerasTuner cannot be installed here, and is left out: {installed.stderr.strip().splitlines()[-1:]}")
        return None
    environment = bench.environment | {"PYTHONPATH": f"{bench.home}{os.pathsep}{packages}"}
    command = [sys.executable, "-m", "benchmarks._keras_tuner", str(target), str(bench.minutes), str(folder / "peer")]
    started = time.monotonic()
    done = subprocess.run(command, cwd=bench.home, env=environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    if done.returncode or not done.stdout or not json.loads(done.stdout)["best"]:
        note(f"KerasTuner failed, and is left out: {done.stderr.strip().splitlines()[-1:]}")
        return None
    return Result(seconds, **json.loads(done.stdout))


def _trained(bench: Bench, job: Mapping[str, Any], *, strict: bool = True) -> dict[str, float]:
    done = bench.run(sys.executable, "-m", "benchmarks._one_trial", text=json.dumps(job))
    if done.returncode:
        if strict:
            raise SystemExit(done.stderr[-2000:])
        return {}
    return dict(json.loads(done.stdout))


def _content(bench: Bench, seed: int) -> dict[str, Any]:
    """Put the seed into params.yaml, bring the images up to date and return all parameters."""
    _set(bench.home, "seed", seed)
    done = bench.run("dvc", "repro", "--quiet", "split")
    if done.returncode:
        raise SystemExit(done.stderr)
    return load(bench.home / "params.yaml").model_dump(mode="json")


def _cloned(folder: Path, epochs: int | None) -> Path:
    """Clone the last commit, so that the study of the person who measures is left alone."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    if epochs:
        _set(folder, "train", "epochs", epochs)
    return folder


def _set(home: Path, *keys_and_value: Any) -> None:
    """Give a key of params.yaml another value."""
    path, yaml = home / "params.yaml", YAML()
    content = place = yaml.load(path.read_text(encoding="utf-8"))
    *sections, key, value = keys_and_value
    for section in sections:
        place = place[section]
    place[key] = value
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--home", type=Path, help="a clone whose params.yaml names other data")
    parser.add_argument("--seeds", type=int, nargs="+", help="one search each; else the seed of params.yaml")
    parser.add_argument("--peers", nargs="+", default=["optuna", "kerastuner"], choices=["optuna", "kerastuner"])
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--minutes", type=int, default=40, help="the longest that each search may take")
    parser.add_argument("--epochs", type=int, help="fewer, for a quick look; without --home")
    parser.add_argument("--workers", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    main()
