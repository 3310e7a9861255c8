"""The best trials race over seeds: the best mean wins, few trainings are spent, and an interrupted race goes on."""

import json
import random
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from src.config import parse
from src.config.overrides import with_values
from src.core import paths
from src.core.errors import AssayError
from src.executors import training_inputs
from src.executors.protocol import Epoch, Event, Failed, Finished, Job, Lost
from src.metrics.objectives import direction
from src.tracking.record import Trial
from src.tune import confirm as confirming
from src.tune import study_report
from src.tune.confirm import best_trials
from src.tune.trials_view import TrialsView
from src.tune.winner import Outcome, described
from tests import helpers_browser
from tests.executors.conftest import Home

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


def luck(job: Job) -> float:
    """Dropout is good, chance is a thousandth as important."""
    return float(job.params["model"]["dropout"] * (1 + job.seed % 10 / 1000))


def noisy(job: Job) -> float:
    """Dropout is good, and chance as important, other for each training; a seed moves all alike, too."""
    own = random.Random(f"{job.seed} {job.params['model']['dropout']}")
    return float(job.params["model"]["dropout"] / 10 + own.gauss(0.5, 0.01) + random.Random(job.seed).gauss(0, 0.1))


def chosen(content: dict[str, Any], *dropouts: float, score: Score = luck, seconds: float = 0) -> list[Trial]:
    """Give what a search of these values comes to, the best first."""
    facts = {"seconds": seconds} if seconds else {}
    scores = [score(Job(0, with_values(content, {"model.dropout": one}), content["seed"])) for one in dropouts]
    trials = [
        Trial(number, "complete", {"model.dropout": dropout}, {"auc": value, "parameters": value}, facts=facts)
        for number, (dropout, value) in enumerate(zip(dropouts, scores, strict=True))
    ]
    return sorted(trials, key=lambda trial: -trial.values["auc"])


def confirm(content: dict[str, Any], trials: list[Trial], workers: "Workers", store: Path) -> Outcome:
    return confirming.confirm(parse(content), trials, workers, store)


def trained(workers: Workers) -> list[tuple[float, int]]:
    return sorted((job.params["model"]["dropout"], job.seed) for job in workers.submitted)


@pytest.fixture
def content(home: Home) -> dict[str, Any]:
    return with_values(home.content, {"model.dropout": 0.3})


def test_the_search_is_the_first_seed_and_who_is_clearly_behind_is_not_trained_again(
    content: dict[str, Any], tmp_path: Path
) -> None:
    workers = Workers(luck)
    found = confirm(content, chosen(content, 0.4, 0.6, 0.5), workers, tmp_path / "c.json")
    assert found.winner is not None
    assert (found.winner.name, found.winner.values) == ("trial 1", {"model.dropout": 0.6})
    first, *later = found.seeds
    assert first == content["seed"]
    assert len(set(found.seeds)) == 3
    assert trained(workers) == sorted([(0.3, seed) for seed in found.seeds] + [(0.6, seed) for seed in later])
    assert found.gain is not None
    assert found.gain.mean == pytest.approx(0.3, rel=0.02)
    assert found.beats_baseline
    assert found.baseline.means["auc"].mean == pytest.approx(sum(0.3 * (1 + s % 10 / 1000) for s in found.seeds) / 3)
    assert [len(one.scores["auc"]) for one in found.candidates] == [3, 1, 1]
    assert "left the race: 0.1" in described(found)


def test_in_nearly_all_studies_the_race_names_who_would_have_won(content: dict[str, Any]) -> None:
    """Chance is as large as what trials differ by: who may come back is trained on, and can win."""
    same, fewer, overtaken, studies = 0, 0, 0, 20
    for number in range(studies):
        of_study = with_values(content, {"seed": number, "tune.confirm": {"top": 3, "seeds": 4}})
        race = confirming.Race(parse(of_study), chosen(of_study, 0.5, 0.55, 0.6, score=noisy))
        everyone = [race.baseline, *race.trials]
        everything = {
            name: {"scores": {"auc": noisy(Job(0, one.content, seed))}}
            for one in everyone for name, seed in zip(one.keys, race.seeds, strict=True)
        }  # fmt: skip
        for wanted in race.rounds():
            race.known |= {name: everything[name] for one in wanted for name in one.keys[: one.trained]}
        means = {one.name: sum(everything[name]["scores"]["auc"] for name in one.keys) for one in race.trials}
        winner = race.outcome(0.95).winner
        assert winner is not None
        same += winner.name == max(means, key=means.__getitem__)
        fewer += any(one.trained < 4 for one in everyone)
        overtaken += winner.name != race.trials[0].name
    assert same >= 0.9 * studies
    assert fewer >= 0.4 * studies
    assert overtaken >= 2, "who led in the search has always won: nothing was tested"


def test_what_is_not_better_than_the_baseline_is_never_confirmed(content: dict[str, Any], tmp_path: Path) -> None:
    workers = Workers(luck)
    found = confirm(content, chosen(content, 0.1, 0.2, 0.25), workers, tmp_path / "c.json")
    assert trained(workers) == [(0.3, content["seed"])]
    assert found.winner is not None
    assert (found.winner.name, found.ahead, found.beats_baseline) == ("trial 2", False, False)
    assert described(found).endswith("none of the best is better than the baseline on the seed that chose it")


def test_a_winner_within_chance_does_not_beat_the_baseline(content: dict[str, Any], tmp_path: Path) -> None:
    noise = iter([0.50, 0.75, 0.60, 0.80, 0.66])
    trials = [Trial(0, "complete", {"model.dropout": 0.6}, {"auc": 0.70, "parameters": 1.0})]
    found = confirm(content, trials, Workers(lambda job: next(noise)), tmp_path / "c.json")
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
    found = confirm(content, chosen(content, 0.6, 0.2, 0.1)[::-1], workers, tmp_path / "c.json")
    assert found.winner is not None
    assert found.winner.name == "trial 2"
    assert found.beats_baseline
    assert found.gain is not None
    assert found.gain.mean < 0
    assert 0.6 not in [dropout for dropout, _ in trained(workers)]


def test_an_interrupted_confirmation_goes_on_with_exact_values(content: dict[str, Any], tmp_path: Path) -> None:
    rivals, store = chosen(content, 0.5, 0.55, 0.6, score=noisy), tmp_path / "c.json"
    first = Workers(noisy)
    whole = confirm(content, rivals, first, tmp_path / "other.json")
    workers = Workers(noisy)

    def luck_runs_out(job: Job) -> bool:
        if len(workers.submitted) > 3:
            raise KeyboardInterrupt
        return False

    workers.fail = luck_runs_out
    with pytest.raises(KeyboardInterrupt):
        confirm(content, rivals, workers, store)
    kept = len(json.loads(store.read_text()))
    assert 0 < kept < len(first.submitted)
    again = Workers(noisy)
    assert confirm(content, rivals, again, store) == whole
    assert len(again.submitted) == len(first.submitted) - kept
    nothing = Workers(luck)
    assert confirm(content, rivals, nothing, store) == whole
    assert nothing.submitted == []


def test_what_other_confirmations_have_trained_changes_no_outcome(content: dict[str, Any], tmp_path: Path) -> None:
    """Scores of who has left may lie in the store: the race is the same with them and without."""
    trials, store = chosen(content, 0.4, 0.6, 0.5), tmp_path / "c.json"
    confirm(content, trials[1:2], Workers(luck), store)
    assert confirm(content, trials, Workers(luck), store) == confirm(
        content, trials, Workers(luck), tmp_path / "d.json"
    )


def test_a_failed_seed_keeps_a_candidate_from_winning(content: dict[str, Any], tmp_path: Path) -> None:
    trials = chosen(content, 0.6, 0.4)
    found = confirm(content, trials, Workers(luck, lambda job: luck(job) > 0.5), tmp_path / "c.json")
    assert found.winner is not None
    assert found.winner.name == "trial 1"
    assert found.candidates[0].reasons == ("diverged",) * 2
    assert found.candidates[0].means == {}


def test_where_the_baseline_fails_the_best_wins_and_beats_nothing(content: dict[str, Any], tmp_path: Path) -> None:
    trials = chosen(content, 0.6, 0.5)
    found = confirm(content, trials, Workers(luck, lambda job: luck(job) < 0.4), tmp_path / "c.json")
    assert found.winner is not None
    assert (found.winner.name, found.gain, found.beats_baseline) == ("trial 0", None, False)


def test_a_lost_worker_costs_nothing_unless_it_is_lost_again_and_again(content: dict[str, Any], tmp_path: Path) -> None:
    trials = chosen(content, 0.6)
    found = confirm(content, trials, Workers(luck, lose=2), tmp_path / "c.json")
    assert found.winner is not None
    with pytest.raises(AssayError, match="lost its worker 3 times, the last time: killed"):
        confirm(content, trials, Workers(luck, lose=99), tmp_path / "d.json")
    assert confirm(content, trials, Workers(luck), tmp_path / "d.json") == found


def test_the_same_training_as_the_baseline_is_not_done_again(content: dict[str, Any], tmp_path: Path) -> None:
    workers = Workers(luck)
    found = confirm(content, chosen(content, 0.3), workers, tmp_path / "c.json")
    assert workers.submitted == []
    assert not found.beats_baseline


def test_a_score_that_val_does_not_tell_is_a_failure(content: dict[str, Any], tmp_path: Path) -> None:
    found = confirm(content, chosen(content, 0.6), Workers(lambda job: float("nan")), tmp_path / "c.json")
    assert found.winner is None
    assert found.baseline.reasons[0] == "not defined on val: auc"


def test_how_long_it_takes_is_said_before_from_the_searchs_own_durations(
    content: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "src.tune")
    confirm(content, chosen(content, 0.4, 0.6, 0.5, seconds=60), Workers(luck), tmp_path / "c.json")
    before, *_, last = [one.getMessage() for one in caplog.records]
    assert before == "confirming: at most 9 more trainings, which take about 4 min"  # two at once
    assert "trial 1, seed 3 of 3: auc 0.6" in "".join(caplog.messages)
    assert "leaves" in last


@pytest.mark.slow
@helpers_browser.needed
@pytest.mark.parametrize(("page", "name", "said"), [
    ("confirmed", "default", True), ("study", "default", True), ("study", "another", False),
])  # fmt: skip
def test_the_page_of_the_study_says_who_won_over_the_seeds(
    home: Home,
    content: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    name: str,
    said: bool,
) -> None:
    monkeypatch.chdir(home.folder)
    monkeypatch.setattr(training_inputs, "STUDIES", tmp_path)
    found = TrialsView("default", {"auc": "maximize"}, tuple(chosen(content, 0.4, 0.6)))
    outcome = confirming.confirm_best(parse(content), found, Workers(luck), paths.Confirmed(tmp_path / "confirmed"))
    file = tmp_path / page / "study.html"
    file.parent.mkdir(exist_ok=True)
    file.write_text(study_report.page(replace(found, name=name), []), encoding="utf-8")
    command = [str(helpers_browser.BROWSER), "--headless", "--no-sandbox", "--dump-dom", file.as_uri()]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    assert (described(outcome) in shown) == said
    assert ("once the study is confirmed" in shown) != said


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
