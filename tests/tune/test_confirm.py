"""The best trials are trained again over seeds; the best mean wins, and an interrupted confirmation goes on."""

import json
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from src.config import parse
from src.core.errors import AssayError
from src.tracking.record import Trial
from src.tune import confirm as confirming
from src.tune.confirm import best_trials
from src.tune.metric import direction
from src.tune.overrides import with_values
from src.tune.protocol import Epoch, Event, Failed, Finished, Job, Lost
from src.tune.trials_view import TrialsView
from src.tune.winner import Outcome, interval
from tests.tune.conftest import Home

Score = Callable[[Job], float]


class Workers:
    """Answers each job with a made score, after an epoch; what `fail` and `lose` speak of goes wrong."""

    def __init__(self, score: Score, fail: Callable[[Job], bool] = lambda job: False, lose: int = 0) -> None:
        self.score, self.fail, self.left = score, fail, lose
        self.events: deque[Event] = deque()
        self.submitted: list[Job] = []
        self.running: dict[int, Job] = {}
        self.workers = 2

    def submit(self, job: Job) -> None:
        assert len(self.running) < self.workers, "a job is handed to a free worker"
        self.submitted.append(job)
        self.running[job.number] = job
        self.events.append(Epoch(job.number, {"val_auc": 0.5}))

    def answer(self, number: int, *, go_on: bool) -> None:
        assert go_on
        job = self.running[number]
        if self.left:
            self.left -= 1
            self.events.append(Lost(number, "killed"))
        elif self.fail(job):
            self.events.append(Failed(number, "diverged"))
        else:
            self.events.append(Finished(number, (), {"auc": self.score(job), "parameters": 9.0}))

    def next(self, timeout: float) -> Event | None:
        if not self.events:
            return None
        event = self.events.popleft()
        if not isinstance(event, Epoch):
            del self.running[event.number]
        return event

    def close(self) -> None:
        pass


def luck(job: Job) -> float:
    """Dropout is good, chance is half as important."""
    return float(job.params["model"]["dropout"] * (1 + job.seed % 10 / 1000))


def chosen(*dropouts: float) -> list[Trial]:
    return [
        Trial(number, "complete", {"model.dropout": dropout}, {"auc": 0.9 - number / 100})
        for number, dropout in enumerate(dropouts)
    ]


def confirm(content: dict[str, Any], trials: list[Trial], workers: "Workers", store: Path) -> Outcome:
    return confirming.confirm(parse(content), trials, workers, store)


@pytest.fixture
def content(home: Home) -> dict[str, Any]:
    return with_values(home.content, {"model.dropout": 0.3})


def test_the_best_mean_wins_beside_the_preset_over_the_same_seeds(content: dict[str, Any], tmp_path: Path) -> None:
    workers = Workers(luck)
    found = confirm(content, chosen(0.1, 0.6, 0.2), workers, tmp_path / "confirmed.json")
    assert found.winner is not None
    assert found.winner.name == "trial 1"
    assert found.winner.values == {"model.dropout": 0.6}
    assert len(workers.submitted) == 4 * 3
    assert {job.seed for job in workers.submitted} == set(found.seeds)
    assert len(set(found.seeds)) == 3
    assert content["seed"] not in found.seeds
    assert found.gain is not None
    assert found.gain.mean == pytest.approx(0.3, rel=0.02)
    assert found.beats_baseline
    assert found.baseline.means["auc"].mean == pytest.approx(sum(0.3 * (1 + s % 10 / 1000) for s in found.seeds) / 3)


def test_a_winner_within_chance_does_not_beat_the_preset(content: dict[str, Any], tmp_path: Path) -> None:
    noise = iter([0.50, 0.60, 0.70, 0.55, 0.75, 0.56])
    found = confirm(content, chosen(0.6), Workers(lambda job: next(noise)), tmp_path / "c.json")
    assert found.winner is not None
    assert found.gain is not None
    assert found.gain.mean > 0
    assert not found.beats_baseline


def test_less_is_better_of_a_loss(home: Home, tmp_path: Path) -> None:
    content = with_values(home.content, {"tune.metric": "parameters", "model.dropout": 0.3})

    def score(job: Job) -> Finished:
        return Finished(job.number, (), {"parameters": luck(job)})

    workers = Workers(luck)
    workers.answer = lambda number, go_on: workers.events.append(score(workers.running[number]))  # type: ignore[method-assign,misc,assignment]
    found = confirm(content, chosen(0.6, 0.1), workers, tmp_path / "c.json")
    assert found.winner is not None
    assert found.winner.name == "trial 1"
    assert found.beats_baseline
    assert found.gain is not None
    assert found.gain.mean < 0


def test_an_interrupted_confirmation_goes_on_with_exact_values(content: dict[str, Any], tmp_path: Path) -> None:
    rivals, store = chosen(0.1, 0.6), tmp_path / "c.json"
    whole = confirm(content, rivals, Workers(lambda job: luck(job) / 3), tmp_path / "other.json")
    workers = Workers(lambda job: luck(job) / 3)

    def luck_runs_out(job: Job) -> bool:
        if len(workers.submitted) > 5:
            raise KeyboardInterrupt
        return False

    workers.fail = luck_runs_out
    with pytest.raises(KeyboardInterrupt):
        confirm(content, rivals, workers, store)
    kept = len(json.loads(store.read_text()))
    assert 0 < kept < 9
    again = Workers(lambda job: luck(job) / 3)
    assert confirm(content, rivals, again, store) == whole
    assert len(again.submitted) == 9 - kept
    nothing = Workers(luck)
    assert confirm(content, rivals, nothing, store) == whole
    assert nothing.submitted == []


def test_a_failed_seed_keeps_a_candidate_from_winning(content: dict[str, Any], tmp_path: Path) -> None:
    found = confirm(content, chosen(0.6, 0.2), Workers(luck, lambda job: luck(job) > 0.5), tmp_path / "c.json")
    assert found.winner is not None
    assert found.winner.name == "trial 1"
    assert found.candidates[0].reasons == ("diverged",) * 3
    assert found.candidates[0].means == {}


def test_where_all_fail_nobody_wins(content: dict[str, Any], tmp_path: Path) -> None:
    found = confirm(content, chosen(0.6), Workers(luck, lambda job: True), tmp_path / "c.json")
    assert (found.winner, found.gain, found.beats_baseline) == (None, None, False)


def test_a_lost_worker_costs_nothing_unless_it_is_lost_again_and_again(content: dict[str, Any], tmp_path: Path) -> None:
    found = confirm(content, chosen(0.6), Workers(luck, lose=2), tmp_path / "c.json")
    assert found.winner is not None
    with pytest.raises(AssayError, match="begun 3 times and its worker went away: killed"):
        confirm(content, chosen(0.6), Workers(luck, lose=99), tmp_path / "d.json")
    assert confirm(content, chosen(0.6), Workers(luck), tmp_path / "d.json") == found


def test_the_same_training_as_the_preset_is_not_done_twice(content: dict[str, Any], tmp_path: Path) -> None:
    workers = Workers(luck)
    found = confirm(content, chosen(0.3), workers, tmp_path / "c.json")
    assert len(workers.submitted) == 3
    assert not found.beats_baseline


def test_a_score_that_val_does_not_tell_is_a_failure(content: dict[str, Any], tmp_path: Path) -> None:
    found = confirm(content, chosen(0.6), Workers(lambda job: float("nan")), tmp_path / "c.json")
    assert found.winner is None
    assert found.baseline.reasons[0] == "val does not tell auc"


def picked(content: dict[str, Any], rows: Sequence[tuple[int, float, tuple[float, ...]]]) -> list[int]:
    goals = {metric: direction(metric) for metric in content["tune"]["metric"]}
    trials = [
        Trial(number, "complete", {"model.dropout": dropout}, dict(zip(goals, scores, strict=True)))
        for number, dropout, scores in sorted(rows)
    ]
    return [trial.number for trial in best_trials(parse(content), TrialsView("s", goals, tuple(trials)))]


def test_the_best_are_chosen_and_of_equal_ones_the_earlier(content: dict[str, Any]) -> None:
    rows = [(5, 0.5, (0.8,)), (3, 0.3, (0.8,)), (1, 0.1, (0.7,)), (4, 0.4, (0.9,)), (6, 0.4, (0.9,))]
    assert picked(content, rows) == [4, 3, 5]


def test_of_two_metrics_the_undominated_are_chosen(content: dict[str, Any]) -> None:
    two = with_values(content, {"tune.metric": ["auc", "parameters"]})
    rows = [(0, 0.1, (0.9, 100.0)), (1, 0.2, (0.8, 50.0)), (2, 0.3, (0.85, 120.0)), (3, 0.4, (0.7, 50.0))]
    assert picked(two, rows) == [0, 1]


def test_the_interval_is_students() -> None:
    """Tables give t = 4.303 for two degrees of freedom, and 0.1 / sqrt(3) is the error of this mean."""
    found = interval([0.8, 0.9, 1.0], 0.95)
    assert found.mean == pytest.approx(0.9)
    assert found.low == pytest.approx(0.9 - 4.303 * 0.1 / 3**0.5, abs=1e-4)
    assert found.high == pytest.approx(0.9 + 4.303 * 0.1 / 3**0.5, abs=1e-4)
