"""The images that class activation maps are made of: of each class the most confident right and wrong ones of test."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from src.images.pixels import Pixels
from src.metrics.scored import Floats, Integers, Scored

EACH = 2  # right ones and wrong ones of a class
CLASSES = 6  # shown at most, those with the most mistakes
if TYPE_CHECKING:
    import keras


class Case(NamedTuple):
    """An image of the test part: its place there, its class and the predicted one."""

    place: int
    true: int
    predicted: int

    @property
    def right(self) -> bool:
        """Whether it was classified correctly."""
        return self.true == self.predicted


@dataclass(frozen=True)
class Cams:
    """Cases, their images uint8 (N, H, W, C), and of each kind a map (N, h, w) of each for its predicted class.

    A kind is left out where it does not apply to the model. Grad-CAM and HiResCAM are left to those without a class
    activation map, since both would be the same map.
    """

    cases: tuple[Case, ...] = ()
    images: Pixels | None = None
    maps: Mapping[str, Floats] = field(default_factory=dict)


def explain(network: "keras.Model", scored: Scored, decisions: Integers, images: Pixels) -> Cams:
    """Choose cases and make their maps; images: the packed store (M, H, W, C)."""
    from src.evaluate.cam import maps

    cases = choose(scored, decisions)
    if not cases:
        return Cams()
    pixels = images[[scored.rows[case.place] for case in cases]]
    predicted = np.array([case.predicted for case in cases], dtype=np.int64)
    made = {"cam": maps.cam(network, pixels, predicted)}
    if made["cam"] is None:
        made |= {make.__name__: make(network, pixels, predicted) for make in (maps.grad_cam, maps.hires_cam)}
    return Cams(cases, pixels, {kind: heat for kind, heat in made.items() if heat is not None})


def choose(scored: Scored, decisions: Integers) -> tuple[Case, ...]:
    """Pick images class by class, right ones first, by the probability of their predicted class.

    Images of one group are alike: each is of another group.
    """
    return tuple(
        Case(place, number, int(decisions[place]))
        for number in classes(scored, decisions)
        for right in (True, False)
        for place in _most_confident(scored, decisions, (scored.labels == number) & ((decisions == number) == right))
    )


def classes(scored: Scored, decisions: Integers) -> list[int]:
    """Return the classes that are shown, in their order: all, or where there are many those with the most mistakes."""
    mistakes = np.bincount(scored.labels[decisions != scored.labels], minlength=len(scored.classes))
    return sorted(np.argsort(-mistakes, kind="stable")[:CLASSES].tolist())


def _most_confident(scored: Scored, decisions: Integers, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[int]:
    places = np.flatnonzero(mask)
    confidence = scored.probabilities[places, decisions[places]]
    ordered = places[np.argsort(-confidence, kind="stable")].tolist()
    first: dict[int, int] = {}
    for place in ordered:
        first.setdefault(scored.groups[place], place)
    return list(first.values())[:EACH]
