from collections.abc import Callable
from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.download.layouts.folders import read
from src.download.manifest import Entry
from src.download.scan import scan

Tree = Callable[..., Path]
Read = Callable[..., list[Entry]]
FULL = "path,label,group,fold\nscans/1.png,ill,P 1,train\nscans/2.png,well,P 2,Test\n"


@pytest.fixture
def entries(tree: Tree) -> Read:
    """Read two images with the given CSV files, the one without a name being table.csv."""

    def make(table: str, **others: str) -> list[Entry]:
        files = {"scans/1.png": b"1", "scans/2.png": b"2", "table.csv": table.encode()}
        return read(scan(tree(files | {f"{name}.csv": text.encode() for name, text in others.items()}), "source"))

    return make


def test_labels_groups_and_folds_come_from_the_csv(entries: Read) -> None:
    assert entries(FULL) == [
        Entry("scans/1.png", "ill", "P 1", "train"),
        Entry("scans/2.png", "well", "P 2", "test"),
    ]


def test_group_and_fold_may_be_missing_or_empty(entries: Read) -> None:
    plain = [Entry("scans/1.png", "ill"), Entry("scans/2.png", "well")]
    assert entries("path,label\nscans/1.png,ill\nscans/2.png,well\n") == plain
    assert entries("fold,age,label,path\n,7,ill,scans/1.png\n,,well,scans/2.png\n") == plain


@pytest.mark.parametrize(
    "table",
    [
        ("\ufeff" + FULL).replace("\n", "\r\n"),
        FULL.replace("scans/", "scans\\"),
        FULL.replace("scans/", " ./scans/"),
        FULL.replace("\n", "\n , ,,\n"),
    ],
)
def test_tables_written_elsewhere_are_read_alike(entries: Read, table: str) -> None:
    assert entries(table) == entries(FULL)


def test_images_without_a_row_are_left_out(entries: Read) -> None:
    assert entries("path,label\nscans/2.png,well\n") == [Entry("scans/2.png", "well")]


def test_a_csv_with_other_columns_or_deeper_down_is_no_table_of_images(tree: Tree) -> None:
    files = {"a/1.png": b"1", "b/1.png": b"2", "notes.csv": b"who,when\n", "a/x.csv": b"path,label\n"}
    assert [entry.label for entry in read(scan(tree(files), "source"))] == ["a", "b"]


def test_a_table_in_a_folder_that_wraps_everything_is_found(tree: Tree) -> None:
    files = {"wrap/i/1.png": b"1", "wrap/i/2.png": b"2", "wrap/t.csv": b"path,label\ni/1.png,a\ni/2.png,b\n"}
    assert [entry.path for entry in read(scan(tree(files), "source"))] == ["i/1.png", "i/2.png"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            FULL + "scans/3.png,ill,P 3,val\n",
            "line 4: expected the path of an image, relative to the CSV, found no image at 'scans/3.png'",
        ),
        (FULL.replace("scans/2", "scan/2"), "line 3: expected the path of an image, relative to the CSV, found no"),
        (FULL.replace("scans/2.png", "scans/2,png"), "found no image at 'scans/2'; did you mean 'scans/2.png'?"),
        (FULL.replace("scans/2.png", "/tmp/2.png"), "found no image at '/tmp/2.png'"),
        (FULL.replace("scans/2.png", ""), "line 3: expected the path of an image, relative to the CSV, found no"),
        (FULL.replace("scans/2.png", "table.csv"), "found no image at 'table.csv'"),
        (FULL + "\n\n" + FULL.splitlines()[1], "line 6: expected each image once, found scans/1.png in line 2 too"),
        (FULL.replace("well", ""), "line 3: scans/2.png: expected a label, found an empty cell"),
        (FULL.replace("Test", "holdout"), "scans/2.png: expected the fold train, val, test or none, found 'holdout'"),
        (FULL.splitlines()[0], "expected a row for each image, found none"),
        ('path,label\n"open', "expected CSV, found"),
    ],
)
def test_a_row_that_does_not_fit_is_named_with_file_and_line(entries: Read, table: str, message: str) -> None:
    with pytest.raises(AssayError) as error:
        entries(table)
    assert str(error.value).startswith("source: table.csv")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_two_tables_are_refused(entries: Read) -> None:
    with pytest.raises(
        AssayError, match=r"expected one table of labels, found more\.csv, table\.csv; name the right one"
    ):
        entries(FULL, more=FULL)


@pytest.mark.parametrize("column", ["label", "group"])
def test_a_column_that_comes_twice_is_refused(entries: Read, column: str) -> None:
    with pytest.raises(AssayError, match=f"table.csv: expected each column once, found {column} more than once"):
        entries(f"path,label,group,{column} ,notes,notes\nscans/1.png,ill,P 1,well,,\n")
