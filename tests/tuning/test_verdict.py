"""Who won is said with means, gain and reasons."""

from src.tuning import verdict
from src.tuning.outcome import Interval, Outcome, Rival


def test_the_verdict_names_means_gain_and_reasons() -> None:
    def rival(name: str, mean: float) -> Rival:
        return Rival(name, {}, {"auc": (mean, mean)}, {"auc": Interval(mean, mean - 0.1, mean + 0.1)})

    best, lost = rival("trial 4", 0.9), Rival("trial 2", {}, {"auc": (None, None)}, {}, ("out of memory",) * 2)
    gain = Interval(0.1, 0.05, 0.15)
    outcome = Outcome(("auc",), (1, 2), (best, lost), rival("preset", 0.8), best, gain, True)
    assert verdict.judged(outcome).splitlines() == [
        "over 2 seeds, auc on val:",
        "  preset: 0.8000 [0.7000, 0.9000]",
        "  trial 4: 0.9000 [0.8000, 1.0000]",
        "  trial 2: failed: out of memory",
        "trial 4 against the preset: +0.1000 [+0.0500, +0.1500], beyond its interval",
    ]
