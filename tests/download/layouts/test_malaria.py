from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.download.layouts.malaria import read
from src.download.manifest import Entry
from src.download.scan import Listing


def listing(*images: str) -> Listing:
    return Listing({image: Path(image) for image in images}, images, "source")


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("C101P62ThinF_IMG_20150918_151006_cell_68.png", "C101P62"),
        ("ParasitizedC101P62ThinF_IMG_20150918_151239_cell_77.png", "C101P62"),
        ("C47P8thinOriginalOlympusCX21_IMG_20150609_1_cell_3.png", "C47P8"),
        ("C37BP2_thinF_IMG_20150620_131423a_cell_92.png", "C37BP2"),
        ("C99P60_ThinF_IMG_1_2_cell_3.png", "C99P60"),
        ("C167P128ReThinF_IMG_1_2_cell_3.png", "C167P128"),
        ("C206ThinF_IMG_20151029_140511_cell_152.png", "C206"),
        ("C7NthinF_IMG_20150611_104510_cell_110.png", "C7"),
        ("C4thin_original_IMG_20150608_165540_cell_168.png", "C4"),
        ("C1PthinF_IMG_1_2_cell_3.png", "C1"),
    ],
)
def test_the_patient_is_the_start_of_the_name(name: str, patient: str) -> None:
    path = f"Uninfected/{name}"
    assert read(listing(path)) == [Entry(path, "Uninfected", patient)]


def test_a_patient_has_cells_of_both_classes() -> None:
    entries = read(listing("Parasitized/C1P1_cell_1.png", "Uninfected/C1P1_cell_2.png"))
    assert [(entry.label, entry.group) for entry in entries] == [("Parasitized", "C1P1"), ("Uninfected", "C1P1")]


@pytest.mark.parametrize("name", ["cell_1.png", "P62C101.png", "xC1P2.png"])
def test_a_name_without_a_patient_is_an_error_that_shows_it(name: str) -> None:
    with pytest.raises(AssayError) as error:
        read(listing("Parasitized/C1P1_cell_1.png", f"Uninfected/{name}"))
    assert str(error.value) == (
        f"source: expected file names that start with the patient, C<n>P<m>, found Uninfected/{name}"
    )
