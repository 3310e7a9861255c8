"""Which images are looked at: of each class the most confident right and wrong ones of the test part."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from src.evaluation.scored import Integers, Scored

EACH = 2  # right ones and wrong ones of a class
CLASSES = 6  # shown at most, those with the most mistakes


@dataclass(frozen=True)
class Case:
    """An image of the test part: its place there, its class and the class that it was taken for."""

    place: int
    true: int
    taken: int

    @property
    def right(self) -> bool:
        """Tell whether it was decided right."""
        return self.true == self.taken


def choose(scored: Scored, decisions: Integers) -> tuple[Case, ...]:
    """Pick images class by class, right ones first, by the probability of the class that they were taken for.

    Images of one group are alike: each is of another group.
    """
    return tuple(
        Case(place, number, int(decisions[place]))
        for number in classes(scored, decisions)
        for right in (True, False)
        for place in _surest(scored, decisions, (scored.labels == number) & ((decisions == number) == right))
    )


def classes(scored: Scored, decisions: Integers) -> list[int]:
    """Give the classes that are shown, in their order: all, or where there are many those with the most mistakes."""
    mistakes = np.bincount(scored.labels[decisions != scored.labels], minlength=len(scored.classes))
    return sorted(np.argsort(-mistakes, kind="stable")[:CLASSES].tolist())


def _surest(scored: Scored, decisions: Integers, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[int]:
    places = np.flatnonzero(mask)
    sure = scored.probabilities[places, decisions[places]]
    ordered = places[np.argsort(-sure, kind="stable")].tolist()
    return list(_of_different_groups(ordered, scored.groups))[:EACH]


def _of_different_groups(places: list[int], groups: Integers) -> Iterator[int]:
    seen = set()
    for place in places:
        if groups[place] not in seen:
            seen.add(groups[place])
            yield place
