"""audit.json: what a person should know about a split before trusting a score on it.

Numbers are at the top level, where `dvc metrics show` reads them. The images behind them are in lists, which it skips.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from src.config import Split as Section
from src.core.partition import PARTS
from src.split.assign import cut_groups
from src.split.duplicates import BITS, DUPLICATE_BITS, DUPLICATE_CORRELATION, Duplicates, Pair
from src.split.index import Ints, Rows
from src.split.shortcuts import Auc, Shortcuts, warnings

LISTED = 1000  # most pairs or groups in a list; the number at the top level counts all of them

LARGE = 0.2  # if one group holds more than this share of the images, the groups found may be wrong
UNKNOWN = (
    "an image without a group counts as one of its own, and patients may stand in two parts; "
    "name them by dataset.group_pattern or in a table"
)
UNKNOWN_BUT_COPIES = "copies of one source were looked for, but a patient with several may stand in two parts"

Audit = dict[str, Any]


class Copies(NamedTuple):
    """The search for copies of one source: pairs compared, pairs found, and images whose group was known before it."""

    compared: int
    found: int
    known: int


def make_audit(
    rows: Rows,
    parts: Ints,
    section: Section,
    duplicates: Duplicates,
    shortcuts: Shortcuts,
    copies: Copies | None = None,
    contradictions: Sequence[Pair] = (),
) -> Audit:
    """Return the content of audit.json. If copies were searched for, `rows` holds the groups that were found.

    contradictions: pairs of images with the same pixels and different labels, in any parts.
    """
    counts = _counts(rows, parts, section)
    cut, sizes = cut_groups(rows, parts), np.bincount(rows.groups)
    found = {*contradictions, *duplicates.exact, *duplicates.near}
    deviations = [abs(row["deviation"]) for row in counts if row["deviation"] is not None]
    lists = {"exact_pairs": duplicates.exact, "pairs_of_two_labels": contradictions, "near_pairs": duplicates.near,
             "nearest_other_pairs": duplicates.others}  # fmt: skip
    return {
        "groups": len(sizes),
        "largest_group": int(sizes.max()),
        "groups_in_two_parts": len(cut),
        "exact_duplicates": len(duplicates.exact),
        "near_duplicates": len(duplicates.near),
        "label_conflicts": sum(_conflict(rows, pair) for pair in found),
        "largest_deviation": max(deviations, default=None),
        **{name: auc and auc.value for name, auc in _shortcuts(shortcuts, "shortcut_auc", "remaining_auc").items()},
        "warnings": [
            *_leaks(len(cut), duplicates, section),
            *_contradictions(rows, contradictions),
            *_unchecked(rows, section, duplicates, copies),
            *warnings(shortcuts),
        ],
        "parts": counts,
        "groups_cut": [{"group": group, "parts": names} for group, names in list(cut.items())[:LISTED]],
        **{name: [_describe(rows, parts, pair) for pair in pairs[:LISTED]] for name, pairs in lists.items()},
        "details": [_details(rows, duplicates, shortcuts, copies)],
    }


def leaks(audit: Audit) -> int:
    """Return the number of groups and of pairs of images that are in two parts."""
    return int(audit["groups_in_two_parts"] + audit["exact_duplicates"] + audit["near_duplicates"])


def _counts(rows: Rows, parts: Ints, section: Section) -> list[Audit]:
    """Count images and groups per part and class; compare with the ratios unless the source's folds are used."""
    ratios = {"train": section.train, "val": section.val, "test": section.test} if section.folds == "ignore" else {}
    table = []
    for part, name in enumerate(PARTS):
        for label, title in enumerate(rows.class_names):
            chosen = (parts == part) & (rows.classes == label)
            share = float(chosen.sum() / (rows.classes == label).sum())
            groups = len(np.unique(rows.group[chosen & (rows.group != "")]))
            deviation = round(share - ratios[name], 4) if ratios else None
            images = int(chosen.sum())
            table.append(
                {"part": name, "class": title, "images": images, "groups": groups, "share": round(share, 4)}
                | {"ratio": ratios.get(name), "deviation": deviation}
            )
    return table


def _leaks(cut: int, duplicates: Duplicates, section: Section) -> list[str]:
    exact, near = len(duplicates.exact), len(duplicates.near)
    groups = "split.by: group and split.folds: ignore keep each in one"
    copies = "remove one of each" if section.by == "lookalike" else "split.by: lookalike keeps copies in one part"
    lines = {
        f"{cut} groups stand in two parts: a model can recognise a patient instead of the disease; {groups}": cut,
        f"{exact} pairs of images with the same pixels stand in two parts; {copies}": exact,
        f"{near} pairs of nearly the same image stand in two parts; {copies}": near,
    }
    return [line for line, count in lines.items() if count]


def _contradictions(rows: Rows, pairs: Sequence[Pair]) -> list[str]:
    """Return a warning if the same pixels have two labels: no model can be right about both."""
    if not pairs:
        return []
    one, two = (f"{rows.path[row]} ({rows.label[row]})" for row in pairs[0][:2])
    return [
        f"the same pixels have two labels in {len(pairs)} pairs of images, such as {one} and {two}: correct one label, "
        "or remove both images if nobody knows; audit.json lists them as pairs_of_two_labels"
    ]


def _unchecked(rows: Rows, section: Section, duplicates: Duplicates, copies: Copies | None) -> list[str]:
    """Return warnings about what could not be checked."""
    lines, unknown = [], len(rows) - _known(rows, copies)
    if unknown:
        some = f"the group of {unknown} of {len(rows)} images is unknown"
        some = "no groups are known" if unknown == len(rows) else some
        lines.append(f"{some}: {UNKNOWN if copies is None else UNKNOWN_BUT_COPIES}")
    elif section.by == "image":
        lines.append("split.by: image ignores the groups that are known; split.by: group keeps each in one part")
    share = np.bincount(rows.groups).max() / len(rows)
    if copies is not None and share > LARGE:
        lines.append(
            f"the largest group holds {share:.0%} of the images: see lookalikes.png whether they are of one source"
        )
    if duplicates.radius < DUPLICATE_BITS:
        lines.append(
            f"very many images are alike: near duplicates were searched up to a distance of {duplicates.radius}"
        )
    return lines


def _known(rows: Rows, copies: Copies | None) -> int:
    return int((rows.group != "").sum()) if copies is None else copies.known


def _conflict(rows: Rows, pair: Pair) -> bool:
    return bool(rows.label[pair.first] != rows.label[pair.second])


def _describe(rows: Rows, parts: Ints, pair: Pair) -> Audit:
    both = pair.first, pair.second
    return {
        "paths": [str(rows.path[row]) for row in both],
        "parts": [PARTS[parts[row]] for row in both],
        "labels": [str(rows.label[row]) for row in both],
        "groups": [str(rows.group[row]) for row in both],
        "labels_conflict": _conflict(rows, pair),
        "distance": pair.distance,
        "correlation": pair.correlation,
    }


def _details(rows: Rows, duplicates: Duplicates, shortcuts: Shortcuts, copies: Copies | None) -> Audit:
    return {
        "images": len(rows),
        "images_with_known_group": _known(rows, copies),
        "copies": copies and {"pairs_compared": copies.compared, "pairs_found": copies.found},
        "exact_duplicates_within_a_part": duplicates.exact_within,
        "near_duplicates_within_a_part": duplicates.near_within,
        "near_means": {
            "distance_at_most": DUPLICATE_BITS,
            "of_bits": BITS,
            "correlation_at_least": DUPLICATE_CORRELATION,
        },
        "shortcuts_measured_on_images": shortcuts.images,
        **{name: _interval(auc) for name, auc in _shortcuts(shortcuts, "shortcut", "remaining").items()},
        "shortcut_by_property": {name: _interval(auc) for name, auc in shortcuts.single.items()},
    }


def _shortcuts(found: Shortcuts, files: str, pixels: str) -> dict[str, Auc | None]:
    return {
        files: found.files, f"{files}_official": found.official,
        pixels: found.remaining, f"{pixels}_official": found.remaining_official,
    }  # fmt: skip


def _interval(auc: Auc | None) -> Audit | None:
    return None if auc is None else {"auc": auc.value, "low": auc.low, "high": auc.high}
