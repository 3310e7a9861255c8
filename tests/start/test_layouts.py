"""Folders made like public data sets are read with no option given: true counts and groups, or a question."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from src import config, start
from src.core.errors import AssayError
from src.core.paths import Raw
from src.download import stage
from tests.images.making import rows
from tests.start import public_sets as sets

READ = [
    sets.ham10000, sets.aptos, sets.busi, sets.isic, sets.kermany, sets.breakhis, sets.pcam, sets.dicom_export,
    sets.messidor,
]  # fmt: skip


@pytest.mark.parametrize("make", READ, ids=lambda make: make.__name__)
def test_counts_and_groups_are_true_or_the_question_is_told(
    make: Callable[[Path], sets.Truth], home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts, groups = make(tmp_path / "scans")
    start.run("../scans", {}, home, yes=False)
    told = capsys.readouterr().out
    dataset = config.load(home / "params.yaml").dataset
    stage.run(dataset, Raw(tmp_path / "raw"), home)
    manifest = rows(tmp_path / "raw" / "manifest.csv")
    assert Counter(row["label"] for row in manifest) == counts
    assert len({row["group"] for row in manifest} - {""}) == groups
    assert ("? do names or a table tell the patient?" in told) == (groups == 0)
    assert (home / "params.yaml").read_text(encoding="utf-8").count("COVID") <= 1  # no scores of other data


def test_several_findings_in_one_cell_are_said(home: Path, tmp_path: Path) -> None:
    sets.nih(tmp_path / "scans")
    with pytest.raises(AssayError, match=r"Data_Entry_2017\.csv.*several.*Effusion\|Mass"):
        start.run("../scans", {}, home, yes=False)
