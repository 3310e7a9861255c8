"""Folders made like public data sets are read with no option given: true counts and groups, or a question."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from src import config
from src.core.errors import AssayError
from src.core.paths import Raw
from src.download import stage
from src.start.__main__ import run
from tests.images.helpers import rows
from tests.start import helpers as sets

ALL = (
    sets.ham10000, sets.aptos, sets.busi, sets.isic, sets.kermany, sets.nih, sets.breakhis, sets.pcam,
    sets.dicom_export, sets.messidor,
)  # fmt: skip
SAID = {
    sets.ham10000: "folders: HAM10000_metadata.csv: images by image_id, labels by dx, groups by lesion_id",
    sets.aptos: "folders: train.csv: images by id_code, labels by diagnosis",
    sets.busi: "mask 29 (a mask beside its image",
    sets.breakhis: "folders: class folders, ignoring the folders within them",
    sets.dicom_export: "12 groups, by the DICOM files, hashed",
    sets.pcam: "image 6 (neither layout nor table names it)",
}
NO_SINGLE_LABEL = r"Data_Entry_2017\.csv, line 4: .*expected one label, found several, 'Effusion\|Mass', as in 10 rows"


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_counts_and_groups_are_true_or_a_question_remains(
    make: Callable[[Path], sets.Truth], home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts, groups = make(tmp_path / "scans")
    if make is sets.nih:
        with pytest.raises(AssayError, match=NO_SINGLE_LABEL):
            run("../scans", {}, home, yes=False)
        return
    run("../scans", {}, home, yes=False)
    told = capsys.readouterr().out
    dataset = config.load(home / "params.yaml").dataset
    stage.run(dataset, Raw(tmp_path / "raw"), home)
    manifest = rows(tmp_path / "raw" / "manifest.csv")
    assert Counter(row["label"] for row in manifest) == counts
    assert len({row["group"] for row in manifest} - {""}) == groups
    assert ("? do names or a table tell the patient?" in told) == (groups == 0)
    assert SAID.get(make, "") in told
    assert "Published" not in (home / "params.yaml").read_text(encoding="utf-8")  # no scores of other data
