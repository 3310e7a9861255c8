"""Class activation maps as they are shown: of each class the most confident right and wrong images, maps over them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from src.images.pixels import Pixels
from src.metrics.predictions import Floats, Integers, Scored

EACH = 2  # right ones and wrong ones of a class
CLASSES = 6  # shown at most, those with the most mistakes
LOWEST = 0.2  # values below are left out
HEAT = 0.5  # of the mixture, the rest is the image
COLOURS = cv2.COLORMAP_INFERNO  # its brightness rises evenly with the value, for colour-blind eyes and in print too


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


def normalize(heat: Floats, sides: tuple[int, int]) -> Floats:
    """Scale a map (h, w) to the sides (H, W) of its image, between the middles of its places linearly, and to [0, 1].

    What speaks against the class, below 0, counts as 0; a map on which nothing speaks for it stays 0.
    """
    height, width = sides
    grown = cv2.resize(np.maximum(heat, 0), (width, height), interpolation=cv2.INTER_LINEAR)
    largest = grown.max()
    return np.asarray(grown / largest if largest > 0 else grown, dtype=np.float64)


def colour(heat: Floats) -> Pixels:
    """Colour a map (H, W) of [0, 1] as RGB uint8 (H, W, 3); what is left out is black."""
    shades = cv2.applyColorMap(np.rint(255 * heat).astype(np.uint8), COLOURS)
    return np.asarray(np.where(shown(heat), cv2.cvtColor(shades, cv2.COLOR_BGR2RGB), 0), dtype=np.uint8)


def overlay(image: Pixels, heat: Floats) -> Pixels:
    """Lay a map (H, W) of [0, 1] over an image (H, W, C), gray or RGB; where it is left out the image stays itself."""
    under = np.broadcast_to(image, (*image.shape[:2], 3))
    mixture = np.rint(HEAT * colour(heat) + (1 - HEAT) * under)
    return np.asarray(np.where(shown(heat), mixture, under), dtype=np.uint8)


def shown(heat: Floats) -> NDArray[np.bool_]:
    """Return where (H, W, 1) a map (H, W) of [0, 1] is shown."""
    return (heat >= LOWEST)[..., None]
