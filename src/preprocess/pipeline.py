"""The steps listed in params.yaml, in order, as one function of an image."""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from src.config import Preprocess
from src.core import registry
from src.core.errors import AssayError
from src.images.limits import Memory, work_bytes
from src.images.pixels import Pixels, to_gray, to_rgb

log = logging.getLogger(__name__)


class Box(NamedTuple):
    """A part of an image in pixels; right and bottom are the first column and row outside."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass
class Frame:
    """The params of all steps, and what one step leaves for a later one."""

    section: Preprocess
    before_clahe: Pixels | None = None
    box: Box | None = None


Apply = Callable[[Pixels, Frame], Pixels]
PROBE = (300, 410)  # height and width of the image on which the steps are tried


class Done(NamedTuple):
    """An image after all steps, uint8 (H, W, C), and the box that `crop` cut, if it ran."""

    image: Pixels
    box: Box | None


@dataclass(frozen=True)
class Chain:
    """All images enter the steps with the same number of channels, and leave them with that of `color`.

    They enter as gray if the first step is `gray`, or if `color` is gray and no step is `gray`; otherwise as RGB.
    """

    section: Preprocess
    steps: tuple[tuple[str, Apply], ...]
    memory: Memory = field(default_factory=Memory, compare=False)  # shared by all threads that decode images

    @property
    def gray(self) -> bool:
        """Whether images may be decoded directly as gray."""
        names = self.section.steps
        return names[0] == "gray" or (self.section.color == "gray" and "gray" not in names)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every image at the end."""
        return self.section.shape

    def __call__(self, image: Pixels) -> Done:
        frame = Frame(self.section)
        ((_, image),) = deque(self.trail(image, frame), maxlen=1)
        packed = to_rgb(image) if self.section.color == "rgb" else to_gray(image)[..., np.newaxis]
        if packed.shape != self.shape:
            (height, width), (rows, columns) = packed.shape[:2], self.section.sides
            raise AssayError(
                f"preprocess.steps: expected {columns}x{rows} at the end (preprocess.image_size), "
                f"found {width}x{height}; put resize after the last step that changes the size"
            )
        return Done(packed, frame.box)

    def trail(self, image: Pixels, frame: Frame) -> Iterator[tuple[str, Pixels]]:
        """Yield the name of each step with the image after it."""
        image = to_gray(image) if self.gray else to_rgb(image)
        for name, apply in self.steps:
            image = apply(image, frame)
            yield name, image


def compose(section: Preprocess) -> Chain:
    """Load the steps and try them on a synthetic image.

    Raises:
        AssayError: the steps do not end with images of `image_size`, or `crop` is listed twice.
    """
    names = section.steps
    if names.count("crop") > 1:
        raise AssayError(f"preprocess.steps: expected crop at most once, found {', '.join(names)}")
    if section.color == "rgb" and "gray" in names:
        log.warning(
            "preprocess.color is rgb, but the step gray takes the colours out: all three channels will be equal"
        )
    steps = tuple((name, registry.load("preprocess.steps", name).apply) for name in names)
    chain = Chain(section, steps, Memory(work_bytes(section.max_megapixels)))
    probe = np.zeros((*PROBE, 3), np.uint8)
    probe[60:240, 80:330] = 200  # a bright body on black that `crop` cuts out of any working size
    chain(probe)
    return chain
