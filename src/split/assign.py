"""Assign every image to train, val or test: by ratio, or by the source's own folds.

Whole groups are dealt to the parts so that every class comes as close to its ratios as the groups allow.

Groups that hold the same number of images of each class are interchangeable. The search works on these kinds of groups
and on how many groups of a kind are in each part. This keeps it small: images without groups are one kind per class.
"""

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from src.config import Split as Section
from src.core.errors import AssayError, listed
from src.core.partition import PARTS
from src.core.random_streams import stream
from src.split.index import Floats, Ints, Rows, codes

MISSING = 1000.0  # cost of a class that is absent from a part: more than any deviation of shares
SMALLEST_GAIN = 1e-9
STARTS = 32
WORK = 20_000  # limit of starts times kinds, so that data with many kinds of groups gets fewer starts
SAMPLE = 128  # most kinds of each part that one round of the search tries
PATIENCE = 3  # rounds without a gain before the search stops, where a round tries only a sample of the kinds
TRAIN, VAL, TEST = range(len(PARTS))
NAMED = 5  # groups or files named in a message


def divide(rows: Rows, section: Section, seed: int) -> Ints:
    """Return the part of every row, as its number in `PARTS`.

    Raises:
        AssayError: there are too few groups, a part lacks a class, or the folds cannot be respected.
    """
    ratios = {TRAIN: section.train, VAL: section.val, TEST: section.test}
    if section.folds == "ignore":
        parts = _deal(rows, np.ones(len(rows), np.bool_), ratios, section.by, seed)
    else:
        parts = _from_folds(rows)
        if section.by == "group":
            _refuse_cut_groups(rows, parts)
        if not (parts == VAL).any():
            del ratios[TEST]
            train = parts == TRAIN
            parts[train] = _deal(rows, train, ratios, section.by, seed)
    _refuse_missing(rows, parts)
    return parts


def _deal(rows: Rows, chosen: NDArray[np.bool_], ratios: dict[int, float], by: str, seed: int) -> Ints:
    """Divide the chosen rows; the ratios need not sum to 1."""
    groups = codes(rows.path) if by == "image" else rows.groups
    members: Ints = np.unique(groups[chosen], return_inverse=True)[1]
    labels, classes = np.unique(rows.classes[chosen], return_inverse=True)
    unit = "groups" if by != "image" and (rows.group[chosen] != "").any() else "images"
    for number, label in enumerate(labels):
        of_class = members[classes == number]
        if (count := len(np.unique(of_class))) < len(ratios):
            names = ", ".join(PARTS[part] for part in ratios)
            raise AssayError(
                f"split: class {rows.class_names[label]}: expected at least {len(ratios)} {unit}, one each for "
                f"{names}; found {count} ({len(of_class)} images)"
            )
    shares = np.array(list(ratios.values()))
    dealt = assign(classes, members, shares / shares.sum(), stream(seed, "split"))
    return np.array(list(ratios), dtype=np.intp)[dealt]


def _from_folds(rows: Rows) -> Ints:
    """Take the parts from the source's folds.

    Raises:
        AssayError: an image has no fold, a fold has an unknown name, or train or test has no image.
    """
    counts = {name: int((rows.fold == name).sum()) for name in ("", *PARTS)}
    found = ", ".join(f"{name or 'without a fold'} {count}" for name, count in counts.items() if count)
    problem = ""
    if other := sorted(set(rows.fold.tolist()) - set(counts)):
        problem = f"expected the folds train, val, test, found {', '.join(other)}"
    elif counts[""] == len(rows):
        problem = "the source ships no folds"
    elif counts[""]:
        some = ", ".join(rows.path[rows.fold == ""][:NAMED].tolist())
        problem = f"expected a fold for every image, found {found} ({some})"
    elif not counts["train"] or not counts["test"]:
        problem = f"expected images in the folds train and test, found {found}"
    if problem:
        raise AssayError(f"split.folds: respect: {problem}; use split.folds: ignore to make a split of our own")
    return np.array([PARTS.index(fold) for fold in rows.fold.tolist()], dtype=np.intp)


def cut_groups(rows: Rows, parts: Ints) -> dict[str, list[str]]:
    """List the known groups that are in more than one part, each with its parts in the order of PARTS."""
    parts_of: dict[str, set[int]] = defaultdict(set)
    for group, part in sorted(zip(rows.group.tolist(), parts.tolist(), strict=True)):
        parts_of[group].add(part)
    return {
        group: [PARTS[part] for part in sorted(found)] for group, found in parts_of.items() if group and len(found) > 1
    }


def _refuse_cut_groups(rows: Rows, parts: Ints) -> None:
    if cut := cut_groups(rows, parts):
        some = listed([f"{group} ({' and '.join(names)})" for group, names in cut.items()], NAMED)
        raise AssayError(
            f"split.folds: respect: {len(cut)} groups stand in two of the source's own folds: {some}; "
            "use split.folds: ignore to keep groups whole, or split.by: image to take the folds as they are"
        )


def _refuse_missing(rows: Rows, parts: Ints) -> None:
    for part, name in enumerate(PARTS):
        counts = np.bincount(rows.classes[parts == part], minlength=len(rows.class_names))
        if not counts.all():
            found = ", ".join(f"{label} {count}" for label, count in zip(rows.class_names, counts, strict=True))
            raise AssayError(f"split: part {name}: expected images of every class, found {found}; groups are never cut")


@dataclass(frozen=True)
class Deal:
    """What is dealt: kinds (K, C) in images per class, number of groups (K,) of each kind, ratios (P,) of the parts."""

    kinds: Floats
    amounts: Ints
    ratios: Floats

    @property
    def totals(self) -> Floats:
        """(C,) images of each class."""
        return self.amounts @ self.kinds

    def cost(self, part: int, part_images: Floats, missing: float = MISSING) -> Floats:
        """Return the cost of a part with (..., C) images: the sum of squared deviations of class shares from the ratio.

        Each class that is absent adds `missing`.
        """
        shares = part_images / self.totals
        deviation: Floats = np.square(shares - self.ratios[part]).sum(axis=-1)
        penalty: Floats = missing * (part_images <= 0).sum(axis=-1)
        return deviation + penalty

    def total_cost(self, placed: Ints) -> float:
        """Sum the cost over the parts; `placed` (K, P) counts groups."""
        return float(sum(self.cost(part, placed[:, part] @ self.kinds) for part in range(len(self.ratios))))


def assign(classes: Ints, groups: Ints, ratios: Floats, random: np.random.Generator) -> Ints:
    """Return the number of the part of every image; all images of a group get the same part.

    A greedy start (rare and large groups first, in a seeded random order) is improved by moving or swapping groups
    between two parts as long as the cost falls (see `Deal.cost`). The best of several starts is kept.

    Args:
        classes: (N,) number of the class of each image, 0..C-1.
        groups: (N,) number of the group of each image, 0..G-1.
        ratios: (P,) wanted share of each part, summing to 1.
        random: the only source of randomness: the same stream and images give the same parts.
    """
    counts = _count(classes, groups)
    kinds, kind, amounts = np.unique(counts, axis=0, return_inverse=True, return_counts=True)
    deal = Deal(kinds.astype(np.float64), amounts, ratios)
    starts = max(1, min(STARTS, WORK // len(kinds)))
    found = [_improve(deal, _fill(deal, random), random) for _ in range(starts)]
    costs = np.round([deal.total_cost(placed) for placed in found], 9)
    return _hand_out(found[int(np.argmin(costs))], kind, random)[groups]


def _count(classes: Ints, groups: Ints) -> Ints:
    """Count the images of each class in each group: (G, C)."""
    shape = int(groups.max()) + 1, int(classes.max()) + 1
    return np.bincount(groups * shape[1] + classes, minlength=shape[0] * shape[1]).reshape(shape)


def _fill(deal: Deal, random: np.random.Generator) -> Ints:
    """Divide each kind in proportion, then give each leftover group to the part where it costs least: (K, P)."""
    placed = np.floor(deal.amounts[:, None] * deal.ratios).astype(np.intp)
    left = deal.amounts - placed.sum(axis=1)
    weight = (deal.kinds / deal.totals).sum(axis=1)
    order = np.argsort(-weight * random.uniform(0.1, 1.0, len(weight)), kind="stable")
    totals = placed.T @ deal.kinds
    parts = range(len(deal.ratios))
    for kind in np.repeat(order, left[order]):
        images = deal.kinds[kind]
        gains = [float(deal.cost(p, totals[p] + images, 0.0) - deal.cost(p, totals[p], 0.0)) for p in parts]
        part = int(np.argmin(np.round(gains, 12)))
        placed[kind, part] += 1
        totals[part] += images
    return placed


def _improve(deal: Deal, placed: Ints, random: np.random.Generator) -> Ints:
    """Make the best exchange between two parts until none lowers the cost; `placed` is changed in place."""
    failures = 0
    while failures < PATIENCE:
        gain, (kind, other, a, b) = min(
            _exchange(deal, placed, a, b, random) for a, b in combinations(range(len(deal.ratios)), 2)
        )
        if gain > -SMALLEST_GAIN:
            failures += 1 if len(deal.kinds) >= SAMPLE else PATIENCE
            continue
        failures = 0
        for moved, source, goal in ((kind, a, b), (other, b, a)):
            if moved >= 0:
                placed[moved, source] -= 1
                placed[moved, goal] += 1
    return placed


def _exchange(
    deal: Deal, placed: Ints, a: int, b: int, random: np.random.Generator
) -> tuple[float, tuple[int, int, int, int]]:
    """Find the best exchange of one group of part a for one of part b; kind -1 means no group.

    Returns:
        The change in cost and (kind from a, kind from b, a, b).
    """
    mine, other = _pick(placed[:, a], random), _pick(placed[:, b], random)
    nothing = np.zeros((1, deal.kinds.shape[1]))
    gives, takes = np.vstack([nothing, deal.kinds[mine]]), np.vstack([nothing, deal.kinds[other]])
    change = gives[:, None] - takes[None]
    before, after = placed[:, a] @ deal.kinds, placed[:, b] @ deal.kinds
    costs = deal.cost(a, before - change) + deal.cost(b, after + change)
    gains = np.round(costs - costs[0, 0], 12)
    first, second = np.unravel_index(int(np.argmin(gains)), gains.shape)
    kinds = (int(mine[first - 1]) if first else -1), (int(other[second - 1]) if second else -1)
    return float(gains[first, second]), (*kinds, a, b)


def _pick(amounts: Ints, random: np.random.Generator) -> Ints:
    """List the kinds that have a group, or a sample of at most SAMPLE of them."""
    present = np.flatnonzero(amounts)
    return present if len(present) <= SAMPLE else np.sort(random.choice(present, SAMPLE, replace=False))


def _hand_out(placed: Ints, kind: Ints, random: np.random.Generator) -> Ints:
    """Choose at random which groups of a kind go to which part: (G,) part of each group."""
    order = np.lexsort((random.random(len(kind)), kind))
    parts: NDArray[np.intp] = np.empty(len(kind), np.intp)
    parts[order] = np.repeat(np.tile(np.arange(placed.shape[1]), len(placed)), placed.ravel())
    return parts
