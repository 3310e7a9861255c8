"""Class folders below train, val and test; the patient is read from each file name.

The source's val part holds 16 images, too few to choose a model: they count as train here, and the split makes a val
part of its own. The source's test part is kept.

Names are person<ID>_<bacteria|virus>_<k>.jpeg, IM-<n>-<k>.jpeg and NORMAL2-IM-<n>-<k>.jpeg. The two kinds of
pneumonia each seem to number their patients from 1: many IDs of the test part occur in train too, but always with the
other kind. Such an ID is taken for two patients, with the kind in the name of the group. An ID that has both kinds in
the same fold is taken for one patient, which is safe in either case.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from src.core.errors import AssayError
from src.download.layouts import Known
from src.download.layouts.folders import read_class_folders
from src.download.manifest import Entry
from src.download.scan import Listing

KNOWN = Known("Chest X-Ray Images (Pneumonia)", frozenset({"NORMAL", "PNEUMONIA"}), folds=True)
_NAME = re.compile(r"(?P<person>person\d+)_(?P<kind>[a-z]+)_\d+|(?P<stem>(?:NORMAL\d+-)?IM-\d+)-\d+")


def read(files: Listing) -> list[Entry]:
    """Read the label from the class folder, the fold from the folder above it, and the patient from the file name.

    Raises:
        AssayError: images lie outside of class folders, or a name has none of the known forms.
    """
    found = [replace(entry, fold="train" if entry.fold == "val" else entry.fold) for entry in read_class_folders(files)]
    names = {entry.path: parts_of(entry.path, files.where) for entry in found}
    apart = _counted_apart((names[entry.path], entry.fold) for entry in found)
    return [replace(entry, group=_group(names[entry.path], apart)) for entry in found]


def parts_of(path: str, where: str) -> re.Match[str]:
    """Return the parts of a file name: person and kind, or stem.

    Raises:
        AssayError: the name has none of the known forms.
    """
    match = _NAME.match(path.rpartition("/")[2])
    if match is None:
        raise AssayError(
            f"{where}: expected names like person<ID>_bacteria_<k>, IM-<n>-<k> or NORMAL2-IM-<n>-<k>, found {path}"
        )
    return match


def _counted_apart(names: Iterable[tuple[re.Match[str], str]]) -> set[str]:
    """Find the persons who occur in several folds, but with each kind in only one of them."""
    folds: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, fold in names:
        if name["person"]:
            folds[name["person"]][name["kind"]].add(fold)
    return {
        person
        for person, kinds in folds.items()
        if len(set().union(*kinds.values())) > 1 and all(len(of_kind) == 1 for of_kind in kinds.values())
    }


def _group(name: re.Match[str], apart: set[str]) -> str:
    person = name["person"]
    return f"{person}_{name['kind']}" if person in apart else person or name["stem"]
