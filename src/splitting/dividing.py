"""Who goes to train, val and test: by ratio, or as the source's own folds say."""

import numpy as np
from numpy.typing import NDArray

from src.errors import AssayError
from src.params import Split as Section
from src.parts import PARTS
from src.seeds import stream
from src.splitting.balance import assign
from src.splitting.rows import Ints, Rows

TRAIN, VAL, TEST = range(len(PARTS))
NAMED = 5  # groups or files named in a message


def divide(rows: Rows, section: Section, seed: int) -> Ints:
    """Give every row the number of its part in `PARTS`.

    Raises:
        AssayError: too few groups for the parts, a class missing in a part, or folds that cannot be respected.
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
    groups = rows.own_groups if by == "image" else rows.groups
    members: Ints = np.unique(groups[chosen], return_inverse=True)[1]
    labels, classes = np.unique(rows.classes[chosen], return_inverse=True)
    unit = "groups" if by != "image" and (rows.group[chosen] != "").any() else "images"
    for number, label in enumerate(labels):
        _refuse_too_few(rows.class_names[label], members[classes == number], unit, ratios)
    shares = np.array(list(ratios.values()))
    dealt = assign(classes, members, shares / shares.sum(), stream(seed, "split"))
    return np.array(list(ratios), dtype=np.intp)[dealt]


def _from_folds(rows: Rows) -> Ints:
    """Read the parts off the source's folds.

    Raises:
        AssayError: no image, or not every image, has a fold, or train or test has none.
    """
    counts = {name: int((rows.fold == name).sum()) for name in ("", *PARTS)}
    other = sorted(set(rows.fold.tolist()) - set(counts))
    found = ", ".join(f"{name or 'without a fold'} {count}" for name, count in counts.items() if count)
    hint = "use split.folds: ignore to make a split of our own"
    if other:
        raise AssayError(f"split.folds: respect: expected the folds train, val, test, found {', '.join(other)}; {hint}")
    if counts[""] == len(rows):
        raise AssayError(f"split.folds: respect: the source ships no folds; {hint}")
    if counts[""]:
        some = ", ".join(rows.path[rows.fold == ""][:NAMED].tolist())
        raise AssayError(f"split.folds: respect: expected a fold for every image, found {found} ({some}); {hint}")
    if not counts["train"] or not counts["test"]:
        raise AssayError(f"split.folds: respect: expected images in the folds train and test, found {found}; {hint}")
    return np.array([PARTS.index(fold) for fold in rows.fold.tolist()], dtype=np.intp)


def _refuse_cut_groups(rows: Rows, parts: Ints) -> None:
    if cut := cut_groups(rows, parts):
        some = ", ".join(f"{group} ({' and '.join(names)})" for group, names in list(cut.items())[:NAMED])
        more = f" and {len(cut) - NAMED} more" if len(cut) > NAMED else ""
        raise AssayError(
            f"split.folds: respect: {len(cut)} groups stand in two of the source's own folds: {some}{more}; "
            "use split.folds: ignore to keep groups whole, or split.by: image to take the folds as they are"
        )


def cut_groups(rows: Rows, parts: Ints) -> dict[str, list[str]]:
    """List the known groups that stand in more than one part, with those parts, in the order of PARTS."""
    known = rows.group != ""
    pairs = np.unique(np.stack([rows.groups[known], parts[known]], axis=1), axis=0)
    numbers, counts = np.unique(pairs[:, 0], return_counts=True)
    names = dict(zip(rows.groups[known].tolist(), rows.group[known].tolist(), strict=True))
    return {
        names[number]: [PARTS[part] for part in pairs[pairs[:, 0] == number, 1]]
        for number in numbers[counts > 1].tolist()
    }


def _refuse_too_few(label: str, members: Ints, unit: str, ratios: dict[int, float]) -> None:
    count = len(np.unique(members))
    if count < len(ratios):
        names = ", ".join(PARTS[part] for part in ratios)
        raise AssayError(
            f"split: class {label}: expected at least {len(ratios)} {unit}, one each for {names}; "
            f"found {count} ({len(members)} images)"
        )


def _refuse_missing(rows: Rows, parts: Ints) -> None:
    for part, name in enumerate(PARTS):
        counts = np.bincount(rows.classes[parts == part], minlength=len(rows.class_names))
        if not counts.all():
            found = ", ".join(f"{label} {count}" for label, count in zip(rows.class_names, counts, strict=True))
            raise AssayError(f"split: part {name}: expected images of every class, found {found}; groups are never cut")
