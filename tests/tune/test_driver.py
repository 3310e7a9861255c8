"""The driver brings a study to exactly so many finished trials, whatever happens to single ones."""

from pathlib import Path

import pytest
from optuna.trial import TrialState

from src.config import Pruner
from src.core.errors import AssayError
from src.executors.protocol import Job
from src.tune.driver import Proposal, Stop
from tests import sections
from tests.executors.helpers_training import EPOCHS
from tests.tune import helpers_search as searching
from tests.tune.helpers_search import ORDERLY, propose, search, states, told, trials

HALVING = sections.pruner(name="halving", min_epochs=1, reduction=2)
PRUNERS = (ORDERLY, HALVING, sections.pruner(name="hyperband", min_epochs=1, reduction=2))


def of_finished(home: Path) -> int:
    found = states(home)
    return found.get(TrialState.COMPLETE, 0) + found.get(TrialState.PRUNED, 0)


def test_the_study_holds_exactly_the_finished_trials_asked_for(tmp_path: Path) -> None:
    search(tmp_path, 12, workers=3)
    assert of_finished(tmp_path) == 12 == len(trials(tmp_path))
    assert states(tmp_path).get(TrialState.PRUNED), "the median pruner stopped none: nothing was tested"


def test_the_same_command_again_does_nothing(tmp_path: Path) -> None:
    search(tmp_path, 4)
    journal = tmp_path / "studies" / "s" / "journal.log"
    before = journal.read_bytes()
    assert search(tmp_path, 4).trials == []
    assert search(tmp_path, 3).trials == []
    assert journal.read_bytes() == before


@pytest.mark.parametrize("pruner", PRUNERS, ids=lambda pruner: pruner.name)
def test_six_and_six_trials_equal_twelve(tmp_path: Path, pruner: Pruner) -> None:
    search(tmp_path / "whole", 12, pruner=pruner)
    for total in (6, 12):
        search(tmp_path / "parts", total, pruner=pruner)
    assert told(tmp_path / "parts") == told(tmp_path / "whole")


def test_a_journal_that_breaks_off_anywhere_ends_as_one_left_alone(tmp_path: Path) -> None:
    search(tmp_path / "whole", 8, pruner=HALVING)
    journal = tmp_path / "whole" / "studies" / "s" / "journal.log"
    lines = journal.read_bytes().splitlines(keepends=True)
    for cut in (1, 2, 3, 5, 9, 14):
        home = tmp_path / f"broken {cut}"
        broken = home / "studies" / "s" / "journal.log"
        broken.parent.mkdir(parents=True)
        broken.write_bytes(b"".join(lines[:-cut]) + lines[-cut][:10])
        search(home, 8, pruner=HALVING)
        assert told(home) == told(tmp_path / "whole"), cut


def test_the_same_parameters_are_not_trained_twice(tmp_path: Path) -> None:
    same = Proposal({"x": 0.3}, {"train": {"x": 0.3, "seconds": 0.05}}, "same")
    search(tmp_path, 5, workers=2, propose=lambda trial: same)
    assert [trial.user_attrs.get("reused_from") for trial in trials(tmp_path)] == [None, 0, 0, 0, 0]
    assert {trial.value for trial in trials(tmp_path)} == {1.0}
    assert {line.split()[0] for line in (tmp_path / "begun").read_text().splitlines()} == {"0"}


def test_a_trial_whose_worker_dies_starts_again_and_is_told_once(tmp_path: Path) -> None:
    search(tmp_path, 3, workers=2, processes=True, train={"does": "die once", "seconds": 0.02})
    assert of_finished(tmp_path) == 3 == len(trials(tmp_path))


def test_a_trial_that_kills_its_worker_again_and_again_fails_with_a_reason(tmp_path: Path) -> None:
    def first_dies(trial: "searching.Trial") -> Proposal:
        return propose(trial, does="die" if trial.number == 0 else "")

    search(tmp_path, 2, propose=first_dies, processes=True)
    assert [trial.state.name for trial in trials(tmp_path)] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert (
        trials(tmp_path)[0].user_attrs["reason"]
        == "given up after 3 tries: its worker ended (SIGKILL, which the system sends when memory runs out)"
    )


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("fail", "x: expected another one"),
        ("break", "RuntimeError: a fault"),
        ("starve", "out of memory"),
    ],
)
def test_what_goes_wrong_in_a_trial_is_its_reason_and_does_not_end_the_study(
    tmp_path: Path, does: str, reason: str
) -> None:
    search(tmp_path, 2, propose=lambda trial: propose(trial, does=does if trial.number == 1 else ""))
    assert [trial.state.name for trial in trials(tmp_path)] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert trials(tmp_path)[1].user_attrs["reason"] == reason


def test_a_trial_that_lags_in_its_last_epoch_is_complete(tmp_path: Path) -> None:
    late = sections.pruner(name="median", startup_trials=1, warmup_epochs=EPOCHS)
    search(tmp_path / "more to come", 8, pruner=late)
    assert states(tmp_path / "more to come").get(TrialState.PRUNED)
    search(tmp_path / "last", 8, pruner=late, train={"epochs": EPOCHS})
    assert states(tmp_path / "last") == {TrialState.COMPLETE: 8}


def test_a_study_of_two_metrics_keeps_both_and_stops_no_trial(tmp_path: Path) -> None:
    search(tmp_path, 8, metrics=("auc", "parameters"))
    assert states(tmp_path) == {TrialState.COMPLETE: 8}
    assert {trial.values[1] for trial in trials(tmp_path)} == {10.0}
    assert len({trial.values[0] for trial in trials(tmp_path)}) > 1


def test_a_study_in_which_every_trial_fails_ends_with_a_line(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="study s: 5 trials in a row failed; the last one, 4: x: expected another one"):
        search(tmp_path, 20, train={"does": "fail"})
    assert states(tmp_path) == {TrialState.FAIL: 5}


def test_at_the_deadline_running_trials_are_set_back_and_later_taken_up_under_their_numbers(tmp_path: Path) -> None:
    search(tmp_path, 6, workers=2, stop=Stop(deadline=0))
    assert trials(tmp_path) == []
    search(tmp_path, 2)
    stop = Stop()

    def stopping(trial: "searching.Trial") -> Proposal:
        if trial.number == 3:
            stop.pending.set()
        return propose(trial, seconds=0.05)

    search(tmp_path, 6, workers=2, stop=stop, propose=stopping)
    assert states(tmp_path) == {TrialState.COMPLETE: 2, TrialState.WAITING: 2}
    search(tmp_path, 6)
    assert of_finished(tmp_path) == 6 == len(trials(tmp_path))


class Nowhere:
    """An executor whose workers are all away; while it is waited for, somebody asks for a stop."""

    workers = 2

    def __init__(self, stop: Stop) -> None:
        self.stop, self.jobs, self.waits = stop, list[Job](), 0

    def submit(self, job: Job) -> None:
        self.jobs.append(job)

    def next(self, timeout: float) -> None:
        self.waits += 1
        assert self.waits <= 2, "waits for workers after a stop was asked for"
        if self.waits == 2:
            self.stop.pending.set()

    def take_back(self) -> list[int]:
        taken = [job.number for job in self.jobs]
        self.jobs.clear()
        return taken

    def close(self) -> None:
        assert not self.jobs


def test_trials_that_nobody_trains_yet_are_set_back_as_soon_as_a_stop_is_asked_for(tmp_path: Path) -> None:
    def paired(trial: "searching.Trial") -> Proposal:
        return Proposal({"x": 0.3}, {"train": {"x": 0.3}}, "first" if trial.number < 2 else "second")

    stop = Stop()
    search(tmp_path, 3, stop=stop, propose=paired, executor=Nowhere(stop))
    assert states(tmp_path) == {TrialState.WAITING: 3}
    search(tmp_path, 3)
    assert of_finished(tmp_path) == 3 == len(trials(tmp_path))
