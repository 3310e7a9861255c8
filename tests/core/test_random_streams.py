"""One seed, independent streams: nobody's draws depend on how many another consumer made."""

import numpy as np

from src.core.random_streams import derive, stream


def test_same_name_same_stream_other_name_other_stream() -> None:
    first = stream(42, "shuffle", 3).random(100)
    assert np.array_equal(first, stream(42, "shuffle", 3).random(100))
    for other in (stream(43, "shuffle", 3), stream(42, "shuffle", 4), stream(42, "augment", 3)):
        assert abs(np.corrcoef(first, other.random(100))[0, 1]) < 0.4


def test_derived_seeds_fit_every_library() -> None:
    seeds = {derive(seed, "dropout") for seed in range(200)}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_streams_are_the_same_on_every_machine() -> None:
    assert stream(42, "test", 1).integers(1000, size=3).tolist() == [347, 898, 50]
