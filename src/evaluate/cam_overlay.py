"""How class activation maps are shown: over the most confident right and wrong images of each class."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from src.images.pixels import Pixels
from src.metrics.predictions import Floats, Integers, Scored

EACH = 2  # right images, and as many wrong ones, of a class
CLASSES = 6  # shown at most: those with the most mistakes
LOWEST = 0.2  # smaller values are not drawn
HEAT = 0.5  # share of the map in the overlay; the rest is the image
COLOURS = cv2.COLORMAP_INFERNO  # its brightness rises evenly with the value, for colour-blind eyes and in print too


class Case(NamedTuple):
    """An image of the test part: its place there, its true class and the predicted class."""

    place: int
    true: int
    predicted: int

    @property
    def right(self) -> bool:
        """Whether it was classified correctly."""
        return self.true == self.predicted


@dataclass(frozen=True)
class Cams:
    """Cases, their images uint8 (N, H, W, C), and by kind their maps (N, h, w) for the predicted classes.

    A kind that does not apply to the model is absent. Grad-CAM and HiResCAM are made only for models without a class
    activation map, since for the others both would show the same map.
    """

    cases: tuple[Case, ...] = ()
    images: Pixels | None = None
    maps: Mapping[str, Floats] = field(default_factory=dict)


def choose(scored: Scored, decisions: Integers) -> tuple[Case, ...]:
    """Pick images class by class, right ones first, those with the highest probability of the predicted class.

    The right ones of a class come from different groups, and so do the wrong ones: images of one group are alike.
    """
    return tuple(
        Case(place, number, int(decisions[place]))
        for number in classes(scored, decisions)
        for right in (True, False)
        for place in _most_confident(scored, decisions, (scored.labels == number) & ((decisions == number) == right))
    )


def classes(scored: Scored, decisions: Integers) -> list[int]:
    """Return the classes to show, in ascending order: all, or if there are many those with the most mistakes."""
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
    """Resize a map (h, w) to the sides (H, W) of its image by linear interpolation, and scale it to [0, 1].

    Negative values, which speak against the class, become 0; a map without positive values becomes 0 everywhere.
    """
    height, width = sides
    grown = cv2.resize(np.maximum(heat, 0), (width, height), interpolation=cv2.INTER_LINEAR)
    largest = grown.max()
    return np.asarray(grown / largest if largest > 0 else grown, dtype=np.float64)


def colour(heat: Floats) -> Pixels:
    """Colour a map (H, W) of [0, 1] as RGB uint8 (H, W, 3); values below LOWEST are black."""
    shades = cv2.applyColorMap(np.rint(255 * heat).astype(np.uint8), COLOURS)
    return np.asarray(np.where(shown(heat), cv2.cvtColor(shades, cv2.COLOR_BGR2RGB), 0), dtype=np.uint8)


def overlay(image: Pixels, heat: Floats) -> Pixels:
    """Lay a map (H, W) of [0, 1] over an image (H, W, C), gray or RGB; below LOWEST the image is unchanged."""
    under = np.broadcast_to(image, (*image.shape[:2], 3))
    mixture = np.rint(HEAT * colour(heat) + (1 - HEAT) * under)
    return np.asarray(np.where(shown(heat), mixture, under), dtype=np.uint8)


def shown(heat: Floats) -> NDArray[np.bool_]:
    """Return a mask (H, W, 1): True where a map (H, W) of [0, 1] is drawn."""
    return (heat >= LOWEST)[..., None]
