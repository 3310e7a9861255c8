import time

import numpy as np
import pytest

from src.core.random_streams import stream
from src.metrics.bootstrap import binomial, draw, estimate, interpolate, resampled
from src.metrics.predictions import Scored
from src.metrics.scores import measure
from tests.evaluate import helpers


def interval(scored: Scored, key: str, seed: int = 0, resamples: int = 400, confidence: float = 0.95) -> list[float]:
    found = estimate(scored, scored.decide(0.5), confidence, resamples, stream(seed, "test")).scores[(key,)]
    assert found.low is not None
    assert found.high is not None
    return [found.low, found.high]


def patients(seed: int, groups: int = 30, images: int = 10) -> tuple[list[int], list[float], list[int]]:
    """Simulate patients whose images are decided right together or not at all, 70 % of them right."""
    source = np.random.default_rng(seed)
    labels = np.repeat(source.integers(2, size=groups), images)
    right = np.repeat(source.random(groups) < 0.7, images)
    scores = np.where(right == (labels == 1), 0.9, 0.1)
    return labels.tolist(), scores.tolist(), np.repeat(np.arange(groups), images).tolist()


def test_a_group_is_drawn_as_a_whole() -> None:
    groups = np.array([0, 1, 1, 2, 2, 2])
    weights = np.concatenate(list(draw(groups, 50, np.random.default_rng(0))))
    assert (weights[:, 1] == weights[:, 2]).all()
    assert (weights[:, 3] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert weights.max() > 1


def test_resamples_do_not_depend_on_how_many_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    scored = helpers.random(40, 2)
    whole = interval(scored, "auc")
    monkeypatch.setattr("src.metrics.bootstrap.ELEMENTS_AT_ONCE", 200)
    assert interval(scored, "auc") == whole


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    scored = helpers.random(40, 2)
    assert interval(scored, "auc", seed=1) == interval(scored, "auc", seed=1)
    assert interval(scored, "auc", seed=1) != interval(scored, "auc", seed=2)


def test_a_higher_confidence_gives_a_wider_interval() -> None:
    scored = helpers.random(60, 2)
    narrow, wide = interval(scored, "auc", confidence=0.8), interval(scored, "auc", confidence=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_as_many_resamples_lie_below_the_interval_as_above() -> None:
    scored = helpers.random(80, 2)
    drawn = resampled(scored, scored.decide(0.5), 400, stream(0, "test"))[("auc",)]
    assert interval(scored, "auc", confidence=0.9) == pytest.approx(np.quantile(drawn, [0.05, 0.95]).tolist())


def test_a_resample_scores_as_its_images_would() -> None:
    scored = helpers.random(40, 2)
    drawn = resampled(scored, scored.decide(0.5), 5, np.random.default_rng(3))
    weights = np.concatenate(list(draw(scored.groups, 5, np.random.default_rng(3))))
    for number, row in enumerate(weights):
        places = np.repeat(np.arange(40), row.astype(int))
        repeated = helpers.scored(scored.labels[places].tolist(), scored.probabilities[places])
        alone = measure(repeated, repeated.decide(0.5), np.ones((1, len(places))))
        assert {key: value[number] for key, value in drawn.items()} == pytest.approx(
            {key: value[0] for key, value in alone.items()}
        )


def test_groups_of_like_images_make_the_interval_wider() -> None:
    labels, scores, groups = patients(0)
    by_group = interval(helpers.binary(labels, scores, groups), "accuracy")
    by_image = interval(helpers.binary(labels, scores), "accuracy")
    assert by_group[1] - by_group[0] > 2 * (by_image[1] - by_image[0])


def test_intervals_over_groups_hold_what_they_promise_and_naive_ones_do_not() -> None:
    hits = np.zeros(2)
    simulations = 120
    for seed in range(simulations):
        labels, scores, groups = patients(seed, groups=40, images=8)
        for place, scored in enumerate((helpers.binary(labels, scores, groups), helpers.binary(labels, scores))):
            low, high = interval(scored, "accuracy", resamples=200)
            hits[place] += low <= 0.7 <= high
    by_group, naive = hits / simulations
    assert by_group > 0.88
    assert naive < 0.7


def test_resamples_without_a_class_are_counted_and_left_out() -> None:
    scored = helpers.binary([1, 1, 0, 0, 0, 0], [0.9, 0.3, 0.4, 0.2, 0.1, 0.1], [0, 0, 1, 2, 3, 4])
    found = estimate(scored, scored.decide(0.5), 0.95, 1000, stream(0, "test"))
    missed = found.scores[("auc",)].skipped
    assert missed == pytest.approx(1000 * 0.8**5, rel=0.2)  # the one group of positive images is not drawn
    assert missed <= found.degenerate
    assert found.scores[("accuracy",)].skipped == 0
    assert found.scores[("accuracy",)].low is not None


def test_one_image_of_a_class_has_the_exact_binomial_interval_and_no_area_has_one() -> None:
    scored = helpers.binary([1, *[0] * 30], [0.1, *np.linspace(0.05, 0.9, 30)])
    scores = estimate(scored, scored.decide(0.5), 0.95, 500, stream(0, "test")).scores
    assert (scores[("sensitivity",)].value, scores[("sensitivity",)].low) == (0, 0)
    assert scores[("sensitivity",)].high == pytest.approx(0.975)
    for name in ("auc", "average_precision", "precision", "f1", "balanced_accuracy"):
        assert scores[(name,)].low is None, name
    assert scores[("specificity",)].low < scores[("specificity",)].value < scores[("specificity",)].high


def test_where_all_are_right_the_interval_is_binomial_over_groups() -> None:
    groups = [0, 0, 1, 1, 2, 2, 3, 3]
    scored = helpers.binary([0, 0, 0, 0, 1, 1, 1, 1], [0.1] * 4 + [0.9] * 4, groups)
    scores = estimate(scored, scored.decide(0.5), 0.95, 500, stream(0, "test")).scores
    assert (scores[("accuracy",)].low, scores[("accuracy",)].high) == (pytest.approx(0.025 ** (1 / 4)), 1)
    assert scores[("sensitivity",)].low == pytest.approx(0.025 ** (1 / 2))
    assert scores[("auc",)].low is None


@pytest.mark.parametrize("count", [1, 3, 40])
def test_the_binomial_interval_is_that_of_scipy(count: int) -> None:
    from scipy.stats import binomtest

    for value in (0.0, 1.0):
        exact = binomtest(round(value * count), count).proportion_ci(0.9, method="exact")
        assert binomial(value, count, 0.9) == pytest.approx((exact.low, exact.high))
    assert binomial(0.4, count, 0.9) is None


def test_a_score_that_most_resamples_cannot_give_has_no_interval() -> None:
    labels = [1, 0, *[2] * 2]
    scored = helpers.scored(labels, np.full((4, 3), 1 / 3), [0, 1, 2, 2])
    found = estimate(scored, scored.decide(0.5), 0.95, 500, stream(0, "test"))
    assert found.scores[("balanced_accuracy",)].low is None
    assert found.scores[("accuracy",)].low is not None


def test_a_single_group_has_no_interval() -> None:
    scored = helpers.binary([1, 0], [0.9, 0.1], [0, 0])
    found = estimate(scored, scored.decide(0.5), 0.95, 500, stream(0, "test"))
    assert found.scores[("auc",)].value == 1
    assert all(score.low is None for score in found.scores.values())


def test_no_score_is_nan_whatever_is_missing() -> None:
    scored = helpers.binary([1, 1], [0.9, 0.1])
    found = estimate(scored, scored.decide(0.5), 0.95, 100, stream(0, "test"))
    assert ("auc",) not in found.scores
    assert all(np.isfinite(score.value) for score in found.scores.values())


def test_a_thousand_resamples_of_thousands_of_images_take_seconds() -> None:
    scored = helpers.random(3000, 2)
    started = time.process_time()
    interval(scored, "auc", resamples=1000)
    assert time.process_time() - started < 10


def test_a_curve_starts_at_the_origin_and_takes_the_upper_end_of_a_rise() -> None:
    grid = np.array([0.0, 0.25, 0.5, 0.75])
    assert interpolate(grid, np.array([0.5, 0.5, 1.0]), np.array([0.5, 0.8, 1.0])) == pytest.approx([0, 0.4, 0.8, 0.9])
