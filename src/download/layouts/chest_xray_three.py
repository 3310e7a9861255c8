"""The X-rays of `chest_xray` in three classes: a pneumonia's kind, bacteria or virus, is read from each file name."""

from dataclasses import replace

from src.download.layouts import chest_xray
from src.download.manifest import Entry
from src.download.scan import Listing


def read(files: Listing) -> list[Entry]:
    """Read as `chest_xray`, but with the kind of pneumonia, in capitals, as the label.

    Raises:
        AssayError: images lie outside of class folders, or a name has none of the known forms.
    """
    found = [(entry, chest_xray.parts_of(entry.path, files.where)["kind"]) for entry in chest_xray.read(files)]
    return [replace(entry, label=kind.upper()) if kind else entry for entry, kind in found]
