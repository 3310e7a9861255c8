"""What racing saves when the best trials are confirmed, on recorded and on simulated studies: no training here.

python -m benchmarks.racing [--studies 100] [--leaves 0.2]

A study draws configurations from those recorded in benchmarks/curves. Recorded studies take the scores of the best ones
with each seed from there too; their baseline is one of the worse half of these. In simulated ones, what each reaches
with the first seed stands for its mean over all seeds. A seed moves all trainings alike, and chance moves each: by as
much as in the two studies of docs/tuning.md, whose intervals of winner, baseline and gain give both.

Compared are the race and training everything with the same seeds, the search's included: the winner (or the baseline,
where nothing has a better mean), how far the chosen one's own mean lies below that of the other way's choice (of a
recorded study the score with the seed that decided nothing), and trainings as a share of those that the confirmation
had without a race, (top + 1) * seeds. Last, where no configuration differs: how often a winner is called better beyond
its interval, which should happen in at most 2.5 % of the studies.
"""

import argparse
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks import _curves
from benchmarks._report import note, report
from src.config import load, parse
from src.config.overrides import with_values
from src.core.random_streams import stream
from src.tracking.record import Trial
from src.tune import confirm
from src.tune.confirm import Race
from src.tune.winner import Result

DROPOUT = "model.dropout"
CONFIDENCE = 0.95
BASELINE = 0.708  # val AUC of params.yaml's own values on these images
# Deviations of val AUC: by the seed, for all trainings alike, and of each training.
CHANCE = {"CT slices": (0.020, 0.013), "blood cells": (0.030, 0.026)}
SEEDS = (43, 44, 45)  # with which the best were recorded, beside the first one
TRIALS, SIZES = (12, 24, 50), ((3, 3), (5, 5))
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Study:
    """Val AUC of the best trials, and the baseline last, with each seed (arms, seeds), and the mean of each (arms,)."""

    scores: Scores
    means: Scores


def main() -> None:
    """Simulate studies of each kind, and show the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--leaves", type=float, default=confirm.LEAVES, help="another value of confirm.LEAVES")
    arguments = parser.parse_args()
    count, confirm.LEAVES = arguments.studies, arguments.leaves
    pool = _recorded()
    note("| chance as on | trials | top, seeds | same winner | mean loss | trainings |\n|---|---|---|---|---|---|")
    table = _recorded_seeds()
    recorded = [
        _summed("recorded", trials, (3, 3), [_replayed(table, trials, number) for number in range(count)])
        for trials in TRIALS[:2]  # of all that are recorded every study would have the same best three
    ]
    simulated = [
        _summed(chance, trials, size, [_study(pool, trials, deviations, *size, number) for number in range(count)])
        for chance, deviations in CHANCE.items()
        for trials in TRIALS
        for size in SIZES
    ]
    alike = np.full(len(pool), BASELINE)
    studies = (_study(alike, 50, CHANCE["CT slices"], 3, 3, number) for number in range(10 * count))
    false = [_race(study)[2] for study in studies]
    note(f"studies without any difference that find one: {np.mean(false):.1%} of {len(false)}, expected 2.5% at most")
    for kind, found in {"recorded": recorded, "simulated": simulated}.items():
        same, share = np.mean(found, axis=0)
        report(f"racing: share of {kind} studies with another winner", round(1 - float(same), 6), at_most=0.05)
        report(f"racing: share of the trainings, {kind} studies", float(share), at_most=0.5)


def _summed(kind: str, trials: int, size: tuple[int, int], studies: list[Study]) -> tuple[float, float]:
    """Note a row of the table; return the share of studies with the same winner, and that of the trainings."""
    top, seeds = size
    same, loss, spent = (float(np.mean(column)) for column in zip(*map(_compared, studies), strict=True))
    share = spent / ((top + 1) * seeds)
    note(f"| {kind} | {trials} | {top}, {seeds} | {same:.0%} | {loss:.4f} | {share:.0%} |")
    return same, share


def _recorded() -> Scores:
    scores: Scores = _curves.final(*_curves.read(_curves.FOLDER / "covid_ct.csv")[1:])
    return scores[~np.isnan(scores)]


def _recorded_seeds() -> Scores:
    """Return the scores (configurations, seeds), the best with the first seed first; NaN where one was not recorded."""
    first = _curves.FOLDER / "covid_ct.csv"
    numbers = _curves.best(first)
    columns = [_curves.final(*_curves.read(first)[1:])[numbers]]
    for seed in SEEDS:
        path = first.with_stem(f"covid_ct_{seed}")
        found = dict(zip(_curves.configurations(path), _curves.final(*_curves.read(path)[1:]), strict=True))
        columns.append(np.array([found.get(number, np.nan) for number in numbers]))
    return np.column_stack(columns)


def _replayed(table: Scores, trials: int, number: int) -> Study:
    """Draw a study of recorded configurations, for three seeds; the first one is that of the search."""
    chance = stream(number, "replay", trials)
    known = int((~np.isnan(table).any(axis=1)).sum())
    baseline = int(chance.integers(known // 2, known))
    others = np.delete(np.arange(len(table)), baseline)
    best = np.full(3, known)
    while best.max() >= known:  # one in a hundred draws of 24 has fewer than three that were recorded with every seed
        best = np.sort(chance.choice(others, trials, replace=False))[:3]
    arms = [*best, baseline]
    *read, unread = chance.permutation(np.arange(1, table.shape[1]))  # whose score says what a choice is worth
    scores = table[arms][:, [0, *read[:2]]]
    return Study(scores, table[arms, unread])


def _study(pool: Scores, trials: int, deviations: tuple[float, float], top: int, seeds: int, number: int) -> Study:
    chance = stream(number, "study", trials)
    of_seed, of_training = deviations
    means = chance.choice(pool, min(trials, len(pool)), replace=False)
    shared = chance.normal(0, of_seed, seeds)
    scores = means[:, None] + shared + chance.normal(0, of_training, (len(means), seeds))
    best = np.argsort(-scores[:, 0])[:top]
    baseline = BASELINE + shared + chance.normal(0, of_training, seeds)
    return Study(np.vstack([scores[best], baseline]), np.append(means[best], BASELINE))


def _compared(study: Study) -> tuple[bool, float, int]:
    """Return whether the race has the same winner as all trainings, what its choice loses, and its trainings."""
    expected = int(np.argmax(study.scores[:-1].mean(axis=1)))
    if (study.scores[expected] - study.scores[-1])[1:].mean() <= 0:
        expected = len(study.scores) - 1
    chosen, trainings, _ = _race(study)
    return chosen == expected, float(study.means[expected] - study.means[chosen]), trainings


@cache
def _arena(top: int, seeds: int) -> Race:
    """Return a race that is run again for each study: what its trainings are called is the same in all."""
    changes = {"tune.confirm": {"top": top, "seeds": seeds}, "tune.metric": "auc"}
    trials = [Trial(number, "complete", {DROPOUT: 0.5 + number / 100}, {"auc": 0.0}) for number in range(top)]
    return Race(parse(with_values(load().model_dump(mode="json"), changes)), trials)


def _race(study: Study) -> tuple[int, int, bool]:
    """Return who wins the race, the trainings that it takes, and whether the gain is beyond its interval."""
    race = _arena(len(study.scores) - 1, study.scores.shape[1])
    arms = [*race.trials, race.baseline]
    known: dict[str, Result] = {
        name: {"scores": {"auc": float(score)}}
        for arm, scores in zip(arms, study.scores, strict=True)
        for name, score in zip(arm.keys, scores, strict=True)
    }
    for arm in arms:
        arm.trained, arm.left = int(arm is not race.baseline), ""
    race.known = {arm.keys[0]: known[arm.keys[0]] for arm in race.trials}
    for wanted in race.rounds():
        race.known |= {name: known[name] for arm in wanted for name in arm.keys[: arm.trained]}
    outcome = race.outcome(CONFIDENCE)
    winner = outcome.candidates.index(outcome.winner) if outcome.winner and outcome.ahead else len(arms) - 1
    return winner, len(race.known) - len(race.trials), outcome.beats_baseline


if __name__ == "__main__":
    main()
