"""The kind of a pneumonia is a class of its own; patients and folds are those of the two classes."""

from pathlib import Path

from src.download.layouts import chest_xray, chest_xray_three
from src.download.scan import Listing

NAMES = (
    "train/NORMAL/IM-0115-0001.jpeg",
    "train/PNEUMONIA/person7_bacteria_1.jpeg",
    "test/PNEUMONIA/person7_virus_2.jpeg",
)


def test_the_kind_is_read_from_the_name() -> None:
    files = Listing({name: Path(name) for name in NAMES}, NAMES, "source")
    two, three = chest_xray.read(files), chest_xray_three.read(files)
    assert [entry.label for entry in three] == ["NORMAL", "BACTERIA", "VIRUS"]
    assert [(entry.path, entry.group, entry.fold) for entry in three] == [(e.path, e.group, e.fold) for e in two]
