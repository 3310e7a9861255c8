"""Heat maps over an image, from the outputs of the network alone: class activation maps, else occlusion."""

from collections.abc import Callable
from itertools import product

import numpy as np

from src.images.pixels import Pixels
from src.images.worker_threads import cores, ordered
from src.metrics.scored import Floats

PATCHES = 12  # along each side of the image, each twice as wide as their distance
SMALLEST = 1e-7  # of a probability: its logarithm needs a floor
BATCH = 36


def of_class(maps: Floats, number: int) -> Floats:
    """Return the map (h, w) of a class from maps (h, w, K); of two classes there is one, which speaks for the last."""
    if maps.shape[-1] > 1:
        return maps[..., number].astype(np.float64)
    return maps[..., 0].astype(np.float64) * (1 if number == 1 else -1)


def occlusion(image: Pixels, number: int, predict: Callable[[Pixels], Floats]) -> Floats:
    """Return how much less (12, 12) the logit of a class is with a place of the image (H, W, C) covered.

    Zeiler and Fergus 2014, arXiv:1311.2901. The cover has the mean of the image. predict: probabilities (N, K) of
    images (N, H, W, C).
    """
    starts = np.arange(PATCHES)[:, None] + (-0.5, 1.5)
    rows, columns = (np.rint(starts * side / PATCHES).clip(0).astype(int) for side in image.shape[:2])
    stack = np.repeat(image[None], 1 + PATCHES**2, axis=0)
    for covered, ((top, bottom), (left, right)) in zip(stack[1:], product(rows, columns), strict=True):
        covered[top:bottom, left:right] = image.mean(axis=(0, 1)).round()
    batches = (stack[start : start + BATCH] for start in range(0, len(stack), BATCH))
    found = np.concatenate(list(ordered(predict, batches, cores())))
    chance = np.clip(found[:, number], SMALLEST, 1 - SMALLEST)
    logits = np.log(chance / (1 - chance))
    return np.asarray(logits[0] - logits[1:], dtype=np.float64).reshape(PATCHES, PATCHES)
