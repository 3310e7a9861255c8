"""One seed for the experiment, one independent random stream for each of its consumers."""

import zlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Derive the random stream that belongs to a consumer, named by words and numbers.

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
