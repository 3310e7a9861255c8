"""From files to groups: describe every image, look up candidates, verify these, join what belongs together."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from src.core.progress import track
from src.images.worker_threads import cores, ordered
from src.split.copies.candidates import candidates
from src.split.copies.features import Packed, pack, read_features
from src.split.copies.verify import compare


class Link(NamedTuple):
    """Two images with one source, the second mirrored against the first or not, and what speaks for it."""

    first: int
    second: int
    mirrored: bool
    inliers: int
    agreement: float


class Found(NamedTuple):
    """Links that were verified, sorted; how many pairs were looked at."""

    links: list[Link]
    compared: int


def find(files: Sequence[Path], threads: int | None = None) -> Found:
    """Find which images are copies of one source: turned, mirrored, shifted, scaled or saved anew.

    The result does not depend on the number of threads, by default that of the cores.
    """
    threads = threads or cores()
    with TemporaryDirectory(prefix="lookalikes", ignore_cleanup_errors=True) as folder:
        features = track(ordered(read_features, files, threads), len(files), "describing images to find copies")
        packed = pack(features, Path(folder))
        pairs = candidates(packed)
        work: Callable[[list[int]], Link | None] = partial(_verify, packed)
        # One thread in each product of matrices: they are small, and the pairs already take all cores.
        with threadpool_limits(1, "blas"):
            verified = track(
                ordered(work, pairs.tolist(), threads), len(pairs), "comparing images to find copies", "pair"
            )
            links = [link for link in verified if link is not None]
        del packed, work
    return Found(links, len(pairs))


def _verify(packed: Packed, pair: list[int]) -> Link | None:
    first, second, mirrored, _ = pair
    evidence = compare(packed[first], packed[second], bool(mirrored))
    if not evidence.same:
        return None
    return Link(first, second, bool(mirrored), evidence.inliers, round(evidence.agreement, 3))
