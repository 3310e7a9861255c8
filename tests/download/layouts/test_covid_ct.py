from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.download.layouts.covid_ct import read
from src.download.manifest import Entry
from src.download.scan import scan

HEAD = "path,label,official_split,patient\n"
ROWS = "CT_COVID/1.png,COVID,train,Patient 1 \nCT_NonCOVID/1.jpg,NonCOVID,test, Patient 2\n"
Tree = Callable[..., Path]


@pytest.fixture
def entries(tree: Tree) -> Callable[[str | bytes], list[Entry]]:
    """Read two images with the given patients.csv."""

    def make(table: str | bytes) -> list[Entry]:
        content = table if isinstance(table, bytes) else table.encode()
        files = {"CT_COVID/1.png": b"1", "CT_NonCOVID/1.jpg": b"2", "patients.csv": content}
        return read(scan(tree(files), "source"))

    return make


def test_patient_and_fold_come_from_the_table_without_stray_spaces(entries: Callable[[str], list[Entry]]) -> None:
    assert entries(HEAD + ROWS) == [
        Entry("CT_COVID/1.png", "CT_COVID", "Patient 1", "train"),
        Entry("CT_NonCOVID/1.jpg", "CT_NonCOVID", "Patient 2", "test"),
    ]


@pytest.mark.parametrize(
    "table",
    [
        ("\ufeff" + HEAD + ROWS).replace("\n", "\r\n"),
        (HEAD + ROWS).replace("CT_COVID/", "CT_COVID\\"),
        " path , label,official_split,patient,age\n" + ROWS.replace("\n", ",7\n") + "\n ,,,\n",
    ],
)
def test_tables_written_elsewhere_are_read_alike(entries: Callable[[str], list[Entry]], table: str) -> None:
    assert [replace(entry, extra=()) for entry in entries(table)] == entries(HEAD + ROWS)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            "path,label,patient\n",
            "expected the columns path, label, official_split, patient, found path, label, patient",
        ),
        (HEAD.replace(",", " "), "found path label official_split patient (no path"),
        ("", "found nothing (no path"),
        (HEAD + ROWS.splitlines()[0], "expected a row for each image, found 1 without one, such as CT_NonCOVID/1.jpg"),
        (
            HEAD + ROWS + "CT_COVID/2.png,COVID,val,P",
            "line 4: expected the path of an image, relative to the CSV, found no",
        ),
        (HEAD + ROWS + ROWS.splitlines()[0], "line 4: expected each image once, found CT_COVID/1.png in line 2 too"),
        (HEAD + ROWS.replace("NonCOVID,test", "COVID,test"), "expected the label of its folder, found 'COVID'"),
        (HEAD + ROWS.replace("test", "holdout"), "expected official_split train, val or test, and a patient, found "),
        (
            HEAD + ROWS.replace(" Patient 2", "  "),
            "CT_NonCOVID/1.jpg: expected official_split train, val or test, and a patient, found an empty cell",
        ),
        (
            HEAD + ROWS.replace(",test, Patient 2", ""),
            "expected official_split train, val or test, and a patient, found an empty cell",
        ),
        ((HEAD + ROWS).replace("Patient 2", "é").encode("latin-1"), "expected UTF-8, found other bytes at"),
        (HEAD + '"open', "expected CSV, found"),
    ],
)
def test_a_table_that_does_not_fit_is_a_clear_error(
    entries: Callable[[str | bytes], list[Entry]], table: str | bytes, message: str
) -> None:
    with pytest.raises(AssayError) as error:
        entries(table)
    assert str(error.value).startswith("source: patients.csv")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_table_is_a_clear_error(tree: Tree) -> None:
    with pytest.raises(AssayError, match=r"source: expected the file patients\.csv, found no such file"):
        read(scan(tree(("CT_COVID/1.png", "CT_NonCOVID/1.png")), "source"))
