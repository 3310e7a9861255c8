from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.download.layouts.chest_xray import read
from src.download.scan import Listing


def groups(*images: str) -> list[str]:
    return [entry.group for entry in read(Listing({image: Path(image) for image in images}, images, "source"))]


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("person1000_bacteria_2931.jpeg", "person1000"),
        ("person1_virus_6.jpeg", "person1"),
        ("IM-0115-0001.jpeg", "IM-0115"),
        ("IM-0011-0001-0002.jpeg", "IM-0011"),
        ("NORMAL2-IM-0384-0001.jpeg", "NORMAL2-IM-0384"),
        ("NORMAL2-IM-0588-0001-0002.jpeg", "NORMAL2-IM-0588"),
    ],
)
def test_the_patient_is_read_from_the_name(name: str, patient: str) -> None:
    assert groups(f"train/NORMAL/{name}") == [patient]


def test_val_counts_as_train_and_test_stays() -> None:
    images = [f"{fold}/PNEUMONIA/person{index}_virus_1.jpeg" for index, fold in enumerate(("test", "train", "val"))]
    found = read(Listing({image: Path(image) for image in images}, tuple(images), "source"))
    assert [entry.fold for entry in found] == ["test", "train", "train"]
    assert [entry.path for entry in found] == images


def test_a_person_with_both_kinds_in_train_and_val_is_one() -> None:
    assert groups("train/P/person7_bacteria_1.jpeg", "val/P/person7_virus_2.jpeg") == ["person7", "person7"]


def test_a_number_with_one_kind_in_train_and_the_other_in_test_is_two_persons() -> None:
    names = ("test/P/person7_bacteria_1.jpeg", "train/P/person7_virus_2.jpeg", "train/P/person8_virus_3.jpeg")
    assert groups(*names) == ["person7_bacteria", "person7_virus", "person8"]


def test_a_person_with_one_kind_in_train_and_test_stays_one_so_that_the_leak_shows() -> None:
    names = ("test/P/person7_virus_1.jpeg", "train/P/person7_bacteria_3.jpeg", "train/P/person7_virus_2.jpeg")
    assert groups(*names) == ["person7"] * 3


@pytest.mark.parametrize("name", ["person_virus_1.jpeg", "IM-1.jpeg", "1.jpeg", "xIM-0001-0001.jpeg"])
def test_a_name_of_another_form_is_an_error_that_shows_it(name: str) -> None:
    with pytest.raises(AssayError, match=rf"source: expected names like person<ID>_.*, found train/NORMAL/{name}"):
        groups("train/NORMAL/IM-0001-0001.jpeg", f"train/NORMAL/{name}")
