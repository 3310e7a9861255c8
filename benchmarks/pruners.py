"""Which pruner finds a good configuration for the fewest epochs, on recorded learning curves: no training here.

python -m benchmarks.pruners [--seeds 200] [--trials 24] [--write]

A study over the recorded configurations, each proposed at most once, in random order: what a pruner stops costs the
epochs until then and cannot be chosen. `regret` is how far the chosen one's val AUC, at its best epoch by val loss,
lies below that of the best of those proposed; `epochs` the share of all epochs that was run; `to a good score` how many
epochs, of all trials together, were run until one had the score that the third best configuration ends with, if any.
KerasTuner's Hyperband, which goes on with trials that it stopped, is replayed by its own schedule on the same curves.
--write puts the table into docs/pruners.md.
"""

import argparse
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import TrialState

from benchmarks import _curves
from benchmarks._report import note, report
from src.config import Pruner, load
from src.core import files, random_streams
from src.tune import pruner

PAGE = Path(__file__).parent.parent / "docs/pruners.md"
MARKS = ("<!-- pruners: written by python -m benchmarks.pruners --write -->", "<!-- end of pruners -->")
CHANGES: dict[str, dict[str, Any]] = {
    "none": {"name": "none"},
    "median": {"name": "median", "startup_trials": 5, "warmup_epochs": 5},
    "median, warmup 3": {"name": "median", "startup_trials": 5, "warmup_epochs": 3},
    "percentile 25": {"name": "percentile", "percentile": 25.0, "startup_trials": 5, "warmup_epochs": 5},
    "percentile 75": {"name": "percentile", "percentile": 75.0, "startup_trials": 5, "warmup_epochs": 3},
    "halving": {"name": "halving", "min_epochs": 3, "reduction": 3},
    "hyperband": {"name": "hyperband", "min_epochs": 3, "reduction": 3},
}
CANDIDATES = {name: load().tune.pruner.model_copy(update=values) for name, values in CHANGES.items()}
SLOW = ("adadelta", "adagrad")  # at rates up to 0.01 they hardly learn, and any pruner tells that
GOOD = 3  # the rank of the configuration whose final score a search has to reach
KERAS_TUNER = "KerasTuner's Hyperband"
SAFE = 0.005  # val AUC that a pruner may cost on average to be chosen
Curves = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What a study came to: val AUC below the best of its configurations, the share of epochs that it ran, and how many
    it ran until one had a good score, all where none had."""

    regret: float
    epochs: float
    to_good: int


def main() -> None:
    """Replay every recording with every pruner, and show the table."""
    arguments = _arguments()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    recordings = dict(_recordings(_curves.FOLDER / "covid_ct.csv"))
    table = {name: _measured(section, recordings, arguments) for name, section in CANDIDATES.items()}
    lines = _lines(table, recordings, arguments)
    note("\n".join(lines))
    if arguments.write:
        _write(lines)
    chosen = _chosen(table)
    note(f"cheapest with a mean regret of at most {SAFE}: {chosen}")
    saved = float(np.mean([outcome.epochs for outcomes in table[chosen].values() for outcome in outcomes]))
    report(f"pruner {chosen}: share of the epochs of a study without one", saved, at_most=0.75)
    for name, (areas, losses) in recordings.items():
        peer = [hyperband(areas, losses, arguments.trials, seed) for seed in range(arguments.seeds)]
        ratios = [one.to_good / other for one, other in zip(table[chosen][name], peer, strict=True)]
        claim = f"epochs to a good score, {chosen} against {KERAS_TUNER}, median ({name})"
        report(claim, statistics.median(ratios), at_most=1)


def _recordings(path: Path) -> Iterator[tuple[str, tuple[Curves, Curves]]]:
    """Give a recording, and what of it was trained with the optimizers that params.yaml proposes."""
    values, areas, losses = _curves.read(path)
    yield "all", (areas, losses)
    able = np.array([each["optimizer"] not in SLOW for each in values])
    yield f"no {', '.join(SLOW)}", (areas[able], losses[able])


def replay(section: Pruner, areas: Curves, losses: Curves, trials: int, seed: int) -> Outcome:
    """Run a study over recorded curves (configurations, epochs), NaN after a divergence."""
    epochs = areas.shape[1]
    order, good = _order(areas, trials, seed), _good(areas, losses)
    sampler = optuna.samplers.RandomSampler(seed)
    # Hyperband deals trials out to its brackets by a hash of name and number, so that the name is part of the chance.
    study = optuna.create_study(
        study_name=f"seed {seed}", sampler=sampler, pruner=pruner.build(section, epochs), direction="maximize"
    )
    spent = to_good = 0
    for configuration in order:
        trial = study.ask()
        stopped = False
        for epoch in range(1, epochs + 1):
            if np.isnan(areas[configuration, epoch - 1]):
                break
            spent += 1
            if not to_good and areas[configuration, epoch - 1] >= good:
                to_good = spent
            trial.report(areas[configuration, epoch - 1], epoch)
            stopped = trial.should_prune()
            if stopped:
                break
        if stopped:
            study.tell(trial, state=TrialState.PRUNED)
        elif np.isnan(areas[configuration]).any():
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, _final(areas[configuration], losses[configuration]))
    whole = [_final(areas[c], losses[c]) for c in order if not np.isnan(areas[c]).any()]
    possible = int(np.count_nonzero(~np.isnan(areas[order])))
    return Outcome(max(whole) - study.best_value, spent / possible, to_good or spent)


def hyperband(areas: Curves, losses: Curves, trials: int, seed: int, factor: int = 3) -> int:
    """Return the epochs that KerasTuner's Hyperband runs until one has a good score, on recorded curves.

    Its schedule is that of keras_tuner.tuners.Hyperband: brackets from the shortest first round to none, in each the
    best of a round by their best epoch go on from where they stopped.
    """
    order, good, epochs = _order(areas, trials, seed).tolist(), _good(areas, losses), areas.shape[1]
    spent, last = 0, math.floor(math.log(epochs, factor))
    for bracket in range(last, -1, -1):
        chosen: list[int] = []
        before = 0
        for step in range(bracket, -1, -1):
            size = math.ceil(math.ceil(1 + math.log(epochs, factor)) / (bracket + 1) * factor**step)
            until = math.ceil(epochs / factor**step)
            if step == bracket:
                chosen, order = order[:size], order[size:]
            else:
                chosen = sorted(chosen, key=lambda one: -np.nanmax(areas[one, :before], initial=0))[:size]
            for configuration in chosen:
                for area in areas[configuration, before:until]:
                    if np.isnan(area):
                        break
                    spent += 1
                    if area >= good:
                        return spent
            before = until
    return spent


def _order(areas: Curves, trials: int, seed: int) -> NDArray[np.int64]:
    return random_streams.stream(seed, "order").permutation(len(areas))[:trials]


def _good(areas: Curves, losses: Curves) -> float:
    return float(-np.sort(-_curves.final(areas, losses))[GOOD - 1])


def _final(areas: NDArray[np.float64], losses: NDArray[np.float64]) -> float:
    return float(areas[int(np.argmin(losses))])


Table = dict[str, dict[str, list[Outcome]]]


def _measured(
    section: Pruner, recordings: dict[str, tuple[Curves, Curves]], arguments: argparse.Namespace
) -> dict[str, list[Outcome]]:
    return {
        name: [replay(section, areas, losses, arguments.trials, seed) for seed in range(arguments.seeds)]
        for name, (areas, losses) in recordings.items()
    }


def _chosen(table: Table) -> str:
    """Give the pruner that runs the fewest epochs of those whose mean regret is small on every recording."""

    def mean(outcomes: dict[str, list[Outcome]], what: str) -> list[float]:
        return [float(np.mean([getattr(outcome, what) for outcome in found])) for found in outcomes.values()]

    safe = [name for name, outcomes in table.items() if max(mean(outcomes, "regret")) <= SAFE]
    return min(safe, key=lambda name: float(np.mean(mean(table[name], "epochs"))))


def _lines(table: Table, recordings: dict[str, tuple[Curves, Curves]], arguments: argparse.Namespace) -> list[str]:
    names = list(recordings)
    columns = ("regret", "worst", "epochs", "to a good score")
    heads = [f"{name}: {what}" for name in names for what in columns]
    lines = ["| pruner | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for label, outcomes in table.items():
        cells = []
        for name in names:
            regrets = [outcome.regret for outcome in outcomes[name]]
            spent = float(np.mean([outcome.epochs for outcome in outcomes[name]]))
            good = np.median([outcome.to_good for outcome in outcomes[name]])
            cells += [f"{np.mean(regrets):.4f}", f"{max(regrets):.3f}", f"{spent:.0%}", f"{good:.0f}"]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    cells = []
    for areas, losses in recordings.values():
        found = [hyperband(areas, losses, arguments.trials, seed) for seed in range(arguments.seeds)]
        cells += ["", "", "", f"{np.median(found):.0f}"]
    lines.append(f"| {KERAS_TUNER} | " + " | ".join(cells) + " |")
    counts = ", ".join(f"{len(areas)} of {areas.shape[1]} epochs ({name})" for name, (areas, _) in recordings.items())
    given = f"{arguments.seeds} seeds, studies of up to {arguments.trials} trials"
    return [*lines, "", f"Recorded configurations: {counts}; {given}."]


def _write(lines: list[str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    files.write_text(PAGE, "\n".join([before + MARKS[0], "", *lines, "", MARKS[1] + after]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--write", action="store_true", help="put the table into docs/pruners.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
