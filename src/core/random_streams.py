"""Derive an independent random stream for each consumer from the one seed of the experiment."""

import zlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the random generator of one consumer, which is named by words and numbers.

    Streams of different names are independent; the same seed and names give the same stream on any machine.

    >>> stream(42, "shuffle", 3).integers(100) == stream(42, "shuffle", 3).integers(100)
    np.True_
    """
    return np.random.default_rng(_entropy(seed, names))


def derive(seed: int, *names: str | int) -> int:
    """Derive a plain seed in 0..2**31-1 for a library that keeps its own random state."""
    return int(np.random.SeedSequence(_entropy(seed, names)).generate_state(1)[0] >> 1)


def _entropy(seed: int, names: tuple[str | int, ...]) -> list[int]:
    return [seed, *(zlib.crc32(name.encode()) if isinstance(name, str) else name for name in names)]
