"""The chosen cases of the test part together with their maps."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from src.evaluation.attention.cases import Case, choose
from src.evaluation.scored import Floats, Integers, Scored
from src.imaging.pixels import Pixels

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
