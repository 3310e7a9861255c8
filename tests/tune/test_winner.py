"""Who won is said with means, gain and reasons; what was written is told and applied, only where it is ahead."""

from pathlib import Path
from typing import Any

import pytest

from src.config import load
from src.core import paths
from src.core.errors import AssayError
from src.tune import winner as outcomes
from src.tune.winner import Candidate, Interval, Outcome, decide, interval
from tests.conftest import ROOT

VALUES: dict[str, Any] = {"train.learning_rate": 1e-05, "model.stride": 1, "preprocess.steps": ["gray", "resize"]}


@pytest.fixture(autouse=True)
def _beside_a_params_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def write(gains: tuple[float, ...], metric: str = "auc", winner: bool = True) -> Path:
    """Write the best.yaml of a winner with these gains over the preset."""
    preset = Candidate("baseline", {}, {metric: (0.5,) * len(gains)}, {metric: interval((0.5,) * len(gains), 0.95)})
    scores = tuple(0.5 + gain for gain in gains)
    best = Candidate("trial 7", VALUES, {metric: scores}, {metric: interval(scores, 0.95)})
    gain = interval(gains, 0.95)
    outcome = Outcome((metric,), (1, 2), (best,), preset, best if winner else None, gain if winner else None)
    outcomes.write_outcome(outcome, paths.Confirmed(Path("confirmed")))
    return Path("confirmed/best.yaml")


def test_the_verdict_names_means_gain_and_reasons() -> None:
    def rival(name: str, mean: float) -> Candidate:
        return Candidate(name, {}, {"auc": (mean, mean)}, {"auc": Interval(mean, mean - 0.1, mean + 0.1)})

    best, lost = rival("trial 4", 0.9), Candidate("trial 2", {}, {"auc": (None, None)}, {}, ("out of memory",) * 2)
    gain = Interval(0.1, 0.05, 0.15)
    outcome = Outcome(("auc",), (1, 2), (best, lost), rival("baseline", 0.8), best, gain)
    assert outcomes.described(outcome).splitlines() == [
        "over 2 seeds, auc on val (baseline: params.yaml as the study found it):",
        "  baseline: 0.8000 [0.7000, 0.9000]",
        "  trial 4: 0.9000 [0.8000, 1.0000]",
        "  trial 2: failed: out of memory",
        "trial 4 against the baseline: +0.1000 [+0.0500, +0.1500], better beyond its interval",
    ]


@pytest.mark.parametrize(
    ("metric", "gains", "words"),
    [
        ("auc", (0.10, 0.11, 0.12), "better beyond its interval"),
        ("auc", (-0.10, -0.11, -0.12), "worse beyond its interval"),
        ("log_loss", (0.10, 0.11, 0.12), "worse beyond its interval"),
        ("log_loss", (-0.10, -0.11, -0.12), "better beyond its interval"),
        ("auc", (0.1, -0.1, 0.05), "within chance"),
        ("auc", (0.5, 0.5), "no interval, since every seed gave the same gain: it may be chance"),
        ("auc", (-0.5, -0.5), "no interval, since every seed gave the same gain: it may be chance"),
    ],
)
def test_the_words_follow_the_interval_and_equal_gains_have_none(
    metric: str, gains: tuple[float, ...], words: str
) -> None:
    def results(scores: list[float]) -> list[dict[str, Any]]:
        return [{"scores": {metric: score}} for score in scores]

    baseline = [0.50 + 0.01 * place for place in range(len(gains))]
    winner = [before + gain for before, gain in zip(baseline, gains, strict=True)]
    both = (Candidate.of(name, {}, results(each), (metric,), 0.95, "")
            for name, each in (("baseline", baseline), ("trial 0", winner)))  # fmt: skip
    first, trial = both
    found = decide((metric,), (1, 2, 3), first, [trial], 0.95)
    assert outcomes.described(found).endswith(f", {words}")
    assert found.beats_baseline == (words == "better beyond its interval")
    assert ("[" in outcomes.described(found).splitlines()[-1]) == ("no interval" not in words)


def test_a_winner_is_told_and_how_to_apply_it() -> None:
    before = Path("params.yaml").read_text()
    said = outcomes.from_file(write((0.1, 0.2)), write=False)
    assert "trial 7 wins with train.learning_rate 1e-05, model.stride 1" in said
    assert "auc against the baseline: +0.1500" in said
    assert said.splitlines()[1].endswith("within chance")
    assert "--winner confirmed/best.yaml --apply writes it into params.yaml; then: dvc repro" in said
    assert Path("params.yaml").read_text() == before


def test_what_was_told_is_not_told_again_and_the_command_takes_any_path() -> None:
    write((0.1, 0.2)).parent.rename("my study")
    said = outcomes.from_file(Path("my study/best.yaml"), write=False, told=True)
    assert "against the baseline" not in said
    assert "--winner 'my study/best.yaml' --apply writes" in said


def test_applied_values_are_exact() -> None:
    said = outcomes.from_file(write((0.1, 0.2)), write=True)
    assert "-  stride: 2" in said
    assert said.endswith("now: dvc repro")
    changed = load(Path("params.yaml"))
    assert (changed.train.learning_rate, changed.model.stride) == (1e-05, 1)
    assert list(changed.preprocess.steps) == ["gray", "resize"]


@pytest.mark.parametrize(("gains", "metric"), [((-0.1, 0.05), "auc"), ((0.1, 0.2), "log_loss"), ((0.0, 0.0), "auc")])
def test_what_is_not_ahead_is_not_applied(gains: tuple[float, ...], metric: str) -> None:
    before = Path("params.yaml").read_text()
    assert "kept as it is" in outcomes.from_file(write(gains, metric), write=True)
    assert Path("params.yaml").read_text() == before


def test_without_a_winner_that_is_said() -> None:
    assert "no winner" in outcomes.from_file(write((0.1, 0.2), winner=False), write=True)


@pytest.mark.parametrize(("text", "words"), [("[", "not readable as YAML"), ("a: 1", "expected a best.yaml")])
def test_another_file_is_refused(text: str, words: str) -> None:
    Path("other.yaml").write_text(text)
    with pytest.raises(AssayError, match=words):
        outcomes.from_file(Path("other.yaml"), write=True)
    with pytest.raises(AssayError, match="not found"):
        outcomes.from_file(Path("none.yaml"), write=True)


def test_the_interval_is_students() -> None:
    """Tables give t = 4.303 for two degrees of freedom, and 0.1 / sqrt(3) is the error of this mean."""
    found = interval([0.8, 0.9, 1.0], 0.95)
    assert found.mean == pytest.approx(0.9)
    assert found.low == pytest.approx(0.9 - 4.303 * 0.1 / 3**0.5, abs=1e-4)
    assert found.high == pytest.approx(0.9 + 4.303 * 0.1 / 3**0.5, abs=1e-4)
