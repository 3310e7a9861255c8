"""Learning curves of random configurations on real images, to try pruners on: `python -m benchmarks._curves --help`.

They are recorded once and committed as numbers in benchmarks/curves; benchmarks/pruners.py replays them. Values of a
configuration are drawn by its number alone, so that a recording that was interrupted goes on where it stopped.
"""

import argparse
import csv
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np

from src.config import Params, load, parse
from src.config.overrides import with_values
from src.core import random_streams
from src.core.errors import AssayError
from src.core.paths import Prepared, Raw, SplitFiles

FOLDER = Path(__file__).parent / "curves"
DRAWN = ("batch_size", "dropout", "optimizer", "learning_rate", "stride")
OPTIMIZERS = ("adadelta", "adagrad", "adam", "adamw", "rmsprop", "sgd")
SEED = 42
# Small images: what is wanted is the shape of many curves, not a score.
SETS: dict[str, dict[str, Any]] = {
    "covid_ct": {
        "dataset.layout": "covid_ct",
        "dataset.positive": "CT_COVID",
        "preprocess.image_size": 80,
        "preprocess.color": "gray",
        "preprocess.steps": ["gray", "stretch", "resize"],
        "split.train": 0.6,
        "split.val": 0.15,
        "split.test": 0.25,
        "split.folds": "respect",
        "split.leaks": "warn",
        "model.name": "compact_cnn",
        "model.pooling": "average",
        "train.schedule.name": "constant",
        "train.schedule.warmup": 0,
        "train.augment.rotation": 10,
        "train.augment.shift": 0.1,
        "train.augment.shear": 0,
        "train.augment.zoom": 0.1,
        "train.augment.flip": "horizontal",
    },
}  # fmt: skip


def main() -> None:
    """Train what is missing, a line of the file each."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("src").setLevel("WARNING")
    name, seed = arguments.name, arguments.seed
    out = arguments.out / (f"{name}.csv" if seed == SEED else f"{name}_{seed}.csv")
    prepared, split = _inputs(name, arguments.archive, arguments.work)
    done = len(out.read_text("utf-8").splitlines()) - 1 if out.exists() else 0
    numbers = (
        best(arguments.out / f"{name}.csv")[: arguments.best] if arguments.best else range(arguments.configurations)
    )
    for number in numbers[done:]:
        started = time.process_time()
        values = draw(number)
        losses, areas = _train(_params(name, values, arguments), prepared, split)
        _append(out, number, values, losses, areas, arguments.epochs)
        logging.info("%d %s: %.1f s, %s", number, values, time.process_time() - started, areas[-1:])


def draw(number: int) -> dict[str, Any]:
    """Draw the values of configuration `number` from the space of params.yaml's example."""
    random = random_streams.stream(SEED, "configuration", number)
    return {
        "batch_size": int(random.choice([16, 32, 64, 128])),
        "dropout": round(float(random.uniform(0.0, 0.8)), 3),
        "optimizer": str(random.choice(OPTIMIZERS)),
        "learning_rate": float(f"{10 ** random.uniform(-5, -2):.3g}"),
        "stride": int(random.choice([1, 2])),
    }


def _params(name: str, values: dict[str, Any], arguments: argparse.Namespace) -> Params:
    drawn = {f"model.{key}": values[key] for key in ("dropout", "stride")}
    drawn |= {f"train.{key}": values[key] for key in ("batch_size", "optimizer", "learning_rate")}
    asked = {
        "seed": arguments.seed,
        "dataset.source": str(arguments.archive),
        "train.epochs": arguments.epochs,
        "train.patience": arguments.epochs,
        "train.threads": 1,
        "track.experiment": name,
    }
    return parse(with_values(load().model_dump(mode="json"), SETS[name] | drawn | asked))


def _inputs(name: str, archive: Path, work: Path) -> tuple[Prepared, SplitFiles]:
    from src.download.stage import run as download
    from src.preprocess.stage import run as prepare
    from src.split.stage import run

    raw, prepared, split = (
        Raw(work / name / "raw"),
        Prepared(work / name / "prepared"),
        SplitFiles(work / name / "split"),
    )
    if not split.parts.exists():
        params = _params(name, draw(0), argparse.Namespace(epochs=1, archive=archive, seed=SEED))
        download(params.dataset, raw, Path.cwd())
        prepare(raw, prepared, params.preprocess)
        run(raw, prepared, split, params.split, SEED)
    return prepared, split


def _train(params: Params, prepared: Prepared, split: SplitFiles) -> tuple[list[float], list[float]]:
    from src.train import fit
    from src.train.data import load

    rows: list[Any] = []
    try:
        fit(
            load(prepared, split, params.dataset.positive),
            params.model,
            params.train,
            params.seed,
            on_epoch=[rows.append],
        )
    except AssayError as error:  # a rate that is too high: the curve ends there
        logging.info("%s", error)
    return [row["val_loss"] for row in rows], [row["val_auc"] for row in rows]


def _append(
    out: Path, number: int, values: dict[str, Any], losses: list[float], areas: list[float], epochs: int
) -> None:
    """Write a line: number, values, val AUC after each epoch, val loss after each; empty after a divergence."""
    out.parent.mkdir(parents=True, exist_ok=True)
    names = [f"{what}_{epoch}" for what in ("auc", "loss") for epoch in range(1, epochs + 1)]
    cells = [[f"{value:.4f}" for value in curve] + [""] * (epochs - len(curve)) for curve in (areas, losses)]
    new = not out.exists()
    with out.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(["configuration", *DRAWN, *names])
        writer.writerow([number, *(values[key] for key in DRAWN), *cells[0], *cells[1]])


def read(path: Path) -> tuple[list[dict[str, Any]], np.ndarray, np.ndarray]:
    """Give values, val AUC and val loss (configurations, epochs) of a recording; NaN after a divergence."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    curves = [
        np.array([[float(line[key] or "nan") for key in line if key.startswith(f"{what}_")] for line in lines])
        for what in ("auc", "loss")
    ]
    kinds = {"batch_size": int, "dropout": float, "optimizer": str, "learning_rate": float, "stride": int}
    return [{key: kinds[key](line[key]) for key in DRAWN} for line in lines], curves[0], curves[1]


def configurations(path: Path) -> list[int]:
    """Return the number of the configuration of each row of a recording."""
    with path.open(encoding="utf-8", newline="") as file:
        return [int(line["configuration"]) for line in csv.DictReader(file)]


def final(areas: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Return the val AUC (configurations,) of each one's epoch with the lowest val loss; NaN after a divergence."""
    broken = np.isnan(areas).any(axis=1)
    epochs = np.where(broken[:, None], np.inf, losses).argmin(axis=1)
    return np.where(broken, np.nan, areas[np.arange(len(areas)), epochs])


def best(path: Path) -> list[int]:
    """Return the numbers of the configurations of a recording, the best first, without those that diverged."""
    scores = final(*read(path)[1:])
    return [int(number) for number in np.argsort(-scores) if not np.isnan(scores[number])]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Record learning curves of random configurations.")
    parser.add_argument("name", choices=SETS)
    parser.add_argument("archive", type=Path, help="covid_ct.zip")
    parser.add_argument("--work", type=Path, default=Path("build/curves"), help="where the images are prepared")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--configurations", type=int, default=60)
    parser.add_argument("--best", type=int, help="instead those that were best with the first seed, so many")
    parser.add_argument("--seed", type=int, default=SEED, help="another one is recorded in a file of its own")
    parser.add_argument("--epochs", type=int, default=16)
    arguments = parser.parse_args()
    if arguments.best and arguments.seed == SEED:
        parser.error(f"--best: expected a --seed other than {SEED}, with which all were recorded")
    return arguments


if __name__ == "__main__":
    main()
