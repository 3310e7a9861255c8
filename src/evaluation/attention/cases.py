"""Which images are looked at: of each class the most confident right and wrong ones of the test part."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from src.evaluation.scored import Floats, Integers, Scored
from src.imaging.pixels import Pixels

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


if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Seen:
    """Cases, their images uint8 (N, H, W, C), and a map (N, h, w) of each for the class it was taken for.

    A kind of map is None where it does not apply to the model; HiResCAM is left to those without a class activation
    map, since it would be the same.
    """

    cases: tuple[Case, ...] = ()
    images: Pixels | None = None
    cam: Floats | None = None
    grad_cam: Floats | None = None
    hires_cam: Floats | None = None


def see(network: "keras.Model", scored: Scored, decisions: Integers, images: Pixels) -> Seen:
    """Choose cases and make their maps; images: the packed store (M, H, W, C)."""
    from src.evaluation.attention import maps

    cases = choose(scored, decisions)
    if not cases:
        return Seen()
    pixels = images[[scored.rows[case.place] for case in cases]]
    taken = np.array([case.taken for case in cases], dtype=np.int64)
    cam, grad_cam = maps.cam(network, pixels, taken), maps.grad_cam(network, pixels, taken)
    return Seen(cases, pixels, cam, grad_cam, maps.hires_cam(network, pixels, taken) if cam is None else None)
