"""Tracking is told of every trial, of who leads, and of how the study came to its end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from src import config
from src.core import paths
from src.tracking.study_run import LoggedStudy
from src.tune import stage
from src.tune.trials_view import view
from src.tune.winner import Candidate, Outcome, interval
from tests.tune.helpers_studies import study

PLACES = (paths.StudyFiles(Path("found")), paths.Confirmed(Path("confirmed")))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[LoggedStudy]:
    """Collect what is sent, in place of a server."""
    found: list[LoggedStudy] = []

    class Sender:
        def __init__(self, settings: config.Params) -> None: ...

        def offer(self, make: Callable[[], LoggedStudy]) -> None:
            found.append(make())

        def close(self, last: LoggedStudy) -> None:
            found.append(last)

    monkeypatch.setattr(stage, "Sender", Sender)
    return found


def outcome() -> Outcome:
    def rival(name: str, *scores: float) -> Candidate:
        return Candidate(name, {"model.dropout": 0.25}, {"auc": scores}, {"auc": interval(scores, 0.95)})

    best, preset = rival("trial 7", 0.8, 0.82), rival("baseline", 0.7, 0.71)
    return Outcome(("auc",), (11, 12), (best,), preset, best, interval([0.1, 0.11], 0.95))


def test_every_trial_is_told_and_the_best_one_leads() -> None:
    found = study(8)
    told = stage.describe(found, config.load())
    assert [one.number for one in told.trials] == list(range(8))
    assert told.trials[5].reason == "the loss is\nno number"
    best = max(view(found).complete(), key=lambda one: one.values["auc"])
    assert (told.leader, told.best) == (f"trial {best.number}", best.params)


def test_of_two_metrics_the_first_says_who_leads() -> None:
    found = view(study(20, two=True))
    best = max(found.complete(), key=lambda one: one.values["auc"])
    assert found.front()[0].number != best.number
    assert stage.describe(study(20, two=True), config.load()).leader == f"trial {best.number}"


def test_the_winner_over_several_seeds_leads_with_its_means_beside_the_preset() -> None:
    told = stage.describe(study(8), config.load(), outcome=outcome(), files=stage.written(*PLACES))
    assert (told.leader, told.best) == ("trial 7", {"model.dropout": 0.25})
    assert told.confirmed["winner_auc"] == pytest.approx(0.81)
    assert told.confirmed["baseline_auc"] == pytest.approx(0.705)
    assert told.confirmed["gain_auc"] == pytest.approx(0.105)
    assert told.confirmed["gain_low_auc"] < 0.105 < told.confirmed["gain_high_auc"]
    assert {"confirm.csv", "best.yaml", "trials.csv", "study.html"} <= set(told.files)


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, "KILLED"), (RuntimeError, "FAILED")])
def test_a_study_that_is_broken_off_is_not_told_as_finished(
    sent: list[LoggedStudy], error: type[BaseException], status: str
) -> None:
    def broken_off() -> None:
        with stage.Reporter(study(3), config.load(), *PLACES) as reporter:
            reporter.offer()
            raise error

    with pytest.raises(error):
        broken_off()
    assert [one.status for one in sent] == ["RUNNING", status]
    assert sent[-1].files == {}


def test_a_study_that_ends_is_told_as_finished_with_its_files_also_when_nothing_is_new(sent: list[LoggedStudy]) -> None:
    with stage.Reporter(study(3), config.load(), *PLACES):
        pass
    assert [one.status for one in sent] == ["FINISHED"]
    assert set(sent[0].files) == {"trials.csv", "study.html"}  # nobody has confirmed: what lies there is older


def test_an_error_before_any_trial_tells_nothing(sent: list[LoggedStudy]) -> None:
    with pytest.raises(RuntimeError), stage.Reporter(study(3), config.load(), *PLACES):
        raise RuntimeError
    assert sent == []
