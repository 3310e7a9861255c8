"""Folders made like public data sets are read with no option given: true counts and groups, or a question."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from src import config, start
from src.core.errors import AssayError
from src.core.paths import Raw
from src.download import stage
from tests.images.helpers import rows
from tests.start import helpers as sets

ALL = (
    sets.ham10000, sets.aptos, sets.busi, sets.isic, sets.kermany, sets.nih, sets.breakhis, sets.pcam,
    sets.dicom_export, sets.messidor,
)  # fmt: skip
ASKED = {  # what remains to be asked where a layout cannot be read yet
    sets.ham10000: r"Are the labels in HAM10000_metadata\.csv \(lesion_id, image_id, dx",
    sets.aptos: r"Are the labels in .*train\.csv \(id_code, diagnosis\)",
    sets.busi: "29 count as images: take them out of dataset.source",
    sets.isic: r"Are the labels in ISIC_2019_Training_GroundTruth\.csv \(image, MEL, NV, BCC, UNK\)",
    sets.nih: r"Data_Entry_2017\.csv",
    sets.breakhis: "expected CLASS/image for all 60 images",
    sets.pcam: r"Are the labels in .*train_labels\.csv \(id, label\)",
    sets.messidor: r"Are the labels in messidor_data\.csv \(id_code, diagnosis",
}


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_counts_and_groups_are_true_or_a_question_remains(
    make: Callable[[Path], sets.Truth], home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts, groups = make(tmp_path / "scans")
    try:
        start.run("../scans", {}, home, yes=False)
    except AssayError as error:
        assert re.search(ASKED[make], str(error)), error  # noqa: PT017
        return
    told = capsys.readouterr().out
    dataset = config.load(home / "params.yaml").dataset
    stage.run(dataset, Raw(tmp_path / "raw"), home)
    manifest = rows(tmp_path / "raw" / "manifest.csv")
    assert Counter(row["label"] for row in manifest) == counts or ASKED.get(make, "no question") in told
    assert len({row["group"] for row in manifest} - {""}) == groups
    assert ("? do names or a table tell the patient?" in told) == (groups == 0)
    assert "Published" not in (home / "params.yaml").read_text(encoding="utf-8")  # no scores of other data
