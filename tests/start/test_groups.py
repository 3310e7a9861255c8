"""A pattern for patients is found in names where it makes plausible groups, and only there."""

import pytest

from src.download.manifest import Entry, regroup
from src.start import groups


def entries(names: list[str], classes: int = 2) -> list[Entry]:
    """Give each class a run of the names, in folders of the class where a name has none."""
    share = -(-len(names) // classes)
    return [Entry(f"class{place // share}/{name}", f"class{place // share}") for place, name in enumerate(names)]


def of(form: str, patients: int = 12, images: int = 4) -> list[str]:
    return [form.format(patient=patient, image=image) for patient in range(patients) for image in range(images)]


@pytest.mark.parametrize(
    ("form", "example"),
    [
        ("person{patient}_bacteria_{image}.jpeg", "person0"),
        ("CNV-{patient:07}-{image}.jpeg", "CNV-0000000"),
        ("SOB_B_A-14-{patient:05}AB-40-{image:03}.png", "SOB_B_A-14-00000AB"),
        ("C{patient}P9ThinF_IMG_2015_cell_{image}.png", "C0P9"),
        ("{patient:08}_{image:03}.png", "00000000"),
        ("scan of patient {patient} slice {image}.png", "patient 0"),
        ("8{patient}63_idx5_x{image}01_y1_class0.png", "8063"),
        ("p{patient}/series 1/{image}.dcm", "p0"),
    ],
)
def test_the_patient_is_found_in_names_as_data_sets_have_them(form: str, example: str) -> None:
    named = entries(of(form))
    found = groups.find(named)
    assert found is not None
    assert (found.groups, len(found.examples), next(iter(found.examples.values()))) == (12, 3, example)
    assert len({entry.group for entry in regroup(named, found.pattern, "scans")}) == 12


@pytest.mark.parametrize(
    "names",
    [
        of("{patient:03}{image}.png"),  # a counter, a file each
        [f"{number % 24}.png" for number in range(48)],  # a counter in each class
        of("IMG_{patient:03}{image}.png"),  # one group for all
        [f"class{number // 24} ({number}).png" for number in range(48)],  # the group is the class
        of("axial_{patient}{image}.png"),  # a word
        [f"200510{20 + number % 6}_{43800 + number}_0100_PP.png" for number in range(48)],  # days
        [*of("p{patient}_{image}.png"), "overview.png"],  # a name without
    ],
    ids=["counter", "of-class", "camera", "class", "word", "day", "stranger"],
)
def test_no_patient_is_made_up(names: list[str]) -> None:
    assert groups.find(entries(names)) is None
