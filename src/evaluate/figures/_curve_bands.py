"""What the ROC and the precision-recall figure have in common: one line a class, its score in the legend."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from src.evaluate.results import Results
from src.metrics.bootstrap import Estimate
from src.metrics.curves import Ranking, rank
from src.metrics.scores import Key
from src.plotting import style


class Curve(NamedTuple):
    """The ranking of one class against the rest, its name as shown, and where its scores are found."""

    name: str
    ranking: Ranking
    key: Key

    @property
    def complete(self) -> bool:
        """Whether there are images of the class and others, without which there is no curve."""
        return bool(self.ranking.true.any() and self.ranking.false.any())


def curves(results: Results) -> Iterator[Curve]:
    """Yield the curve of the positive class, or of every class where there are more than two."""
    test = results.test
    weights = np.ones((1, test.size))
    names = style.shorten_all(test.classes)
    for number in [1] if test.binary else range(len(test.classes)):
        key = () if test.binary else ("classes", test.classes[number])
        ranking = rank(test.labels == number, test.probabilities[:, number], weights)
        yield Curve(names[number], ranking, key)


def with_bounds(score: Estimate | None) -> str:
    """Write a score with its interval: ``0.87 (0.83 to 0.91)``.

    >>> with_bounds(Estimate(0.871, 0.834, 0.912)), with_bounds(None)
    ('0.87 (0.83 to 0.91)', '-')
    """
    if score is None:
        return "-"
    if score.low is None or score.high is None:
        return f"{score.value:.2f}"
    return f"{score.value:.2f} ({score.low:.2f} to {score.high:.2f})"
