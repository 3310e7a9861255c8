"""Labels come from tables as they are, or a message says which columns were found and what is missing."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.download.layouts.folders import read
from src.download.manifest import Entry
from src.download.scan import scan
from src.download.stage import tell

Tree = Callable[..., Path]
APTOS = {f"train_images/{number:012x}.png": b"1" for number in range(4)}
CODES = [name.partition("/")[2].removesuffix(".png") for name in APTOS]


def entries(folder: Path) -> list[Entry]:
    files = scan(folder, "scans")
    found = read(files)
    tell(files.notes)
    return found


def labels(folder: Path) -> dict[str, str]:
    return {entry.path.rpartition("/")[2]: entry.label for entry in entries(folder)}


def test_ids_without_suffix_name_images_of_several_folders(tree: Tree, caplog: pytest.LogCaptureFixture) -> None:
    """As HAM10000: two folders that are no classes, a lesion with several images, facts about each."""
    head = "lesion_id,image_id,dx,age\n"
    rows = "L1,ISIC_1,nv,50\nL1,ISIC_2,nv,50\nL2,ISIC_3,mel,\nL9,ISIC_9,mel,70\n"
    images = {f"part_{1 + number % 2}/ISIC_{number}.jpg": b"1" for number in (1, 2, 3)}
    with caplog.at_level(logging.INFO):
        found = entries(tree({**images, "HAM_metadata.csv": (head + rows).encode()}))
    assert [(entry.label, entry.group, entry.extra) for entry in found] == [
        ("nv", "L1", (("age", "50"),)), ("nv", "L1", (("age", "50"),)), ("mel", "L2", (("age", ""),)),
    ]  # fmt: skip
    assert "images by image_id, labels by dx, groups by lesion_id, also kept: age" in caplog.text
    assert "1 rows have no image, such as ISIC_9" in caplog.text


def test_columns_of_0_and_1_are_classes(tree: Tree) -> None:
    table = "image,MEL,NV\na,1.0,0.0\nb,0.0,1.0\n"
    assert labels(tree({"i/a.jpg": b"1", "i/b.jpg": b"2", "truth.csv": table.encode()})) == {
        "a.jpg": "MEL", "b.jpg": "NV",
    }  # fmt: skip


@pytest.mark.parametrize(
    "table", ["Path;Label\nb/1.png;ill\nb/2.png;well\n", "Path\tLabel\nb/1.png\till\nb/2.png\twell\n"]
)
def test_semicolons_and_tabs_separate_columns_too(tree: Tree, table: str) -> None:
    assert labels(tree({"b/1.png": b"1", "b/2.png": b"2", "labels.csv": table.encode()})) == {
        "1.png": "ill", "2.png": "well",
    }  # fmt: skip


def test_tables_named_after_parts_are_one_with_folds_and_a_sample_submission_is_none(tree: Tree) -> None:
    tables = {
        "train.csv": f"id_code,diagnosis\n{CODES[0]},0\n{CODES[1]},1\n",
        "test.csv": f"id_code,diagnosis\n{CODES[2]},1\n",
        "sample_submission.csv": f"id_code,diagnosis\n{CODES[3]},0\n",
    }  # fmt: skip
    found = entries(tree({**APTOS, **{name: text.encode() for name, text in tables.items()}}))
    assert [(entry.label, entry.fold) for entry in found] == [("1", "test"), ("0", "train"), ("1", "train")]


def test_several_findings_in_a_cell_are_an_error_that_says_so(tree: Tree) -> None:
    table = b"Image Index,Finding Labels,Patient ID\n1.png,Effusion,1\n2.png,Effusion|Mass,2\n"
    with pytest.raises(AssayError, match=r"line 3: images/2\.png: expected one label, found several, 'Effusion\|Mass'"):
        entries(tree({"images/1.png": b"1", "images/2.png": b"2", "Data_Entry.csv": table}))


@pytest.mark.parametrize(
    ("table", "missing"),
    [
        ("id_code,severity_of_it\n" + "".join(f"{code},a\n" for code in CODES), "no column names the class"),
        ("id_code,diagnosis\nx,0\ny,1\n", "id_code names none of the images ('x'; an image is test_images/9.png)"),
    ],
)
def test_a_table_that_does_not_fit_is_named_where_the_folders_are_no_classes(
    tree: Tree, table: str, missing: str
) -> None:
    with pytest.raises(AssayError) as error:
        entries(tree({**APTOS, "test_images/9.png": b"1", "train.csv": table.encode()}))
    assert f"train.csv: not read as labels, its columns are {table.splitlines()[0].replace(',', ', ')}" in str(
        error.value
    )
    assert missing in str(error.value)
    assert "dataset.table" in str(error.value)


@pytest.mark.parametrize("table", ["Größe;Höhe\n1;2\n", "who,when\n1,2\n", "id,diagnosis\n7,a\n8,b\n"])
def test_a_table_about_something_else_does_not_stop_class_folders(
    tree: Tree, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    files = {"ill/1.png": b"1", "ill/2.png": b"2", "well/1.png": b"3", "notes.csv": table.encode("latin-1")}
    with caplog.at_level(logging.INFO):
        assert [entry.label for entry in entries(tree(files))] == ["ill", "ill", "well"]
    assert "notes.csv: not read as labels, its columns are" in caplog.text


def test_a_name_that_two_images_have_is_an_error(tree: Tree) -> None:
    table = b"filename,label\n1.png,ill\n2.png,well\n"
    with pytest.raises(
        AssayError, match=r"line 2: expected the name of one image, '1\.png' may be a/1\.png or b/1\.png"
    ):
        entries(tree({"a/1.png": b"1", "b/1.png": b"2", "b/2.png": b"3", "t.csv": table}))


def test_paths_of_another_machine_lead_to_images_but_not_to_those_of_another_folder(tree: Tree) -> None:
    table = b"filename,label\n/home/x/1.png,ill\nC:\\scans\\2.png,well\nb/1.png,well\n"
    assert labels(tree({"a/1.png": b"1", "b/2.png": b"3", "t.csv": table})) == {"1.png": "ill", "2.png": "well"}


def test_labels_beyond_ascii_of_an_unknown_encoding_are_refused(tree: Tree) -> None:
    files = {"a/1.png": b"1", "a/2.png": b"2", "t.csv": "file,label\n1.png,gut\n2.png,böse\n".encode("latin-1")}
    with pytest.raises(AssayError, match=r"t\.csv: expected UTF-8, found other bytes at 28; save it as CSV UTF-8"):
        entries(tree(files))


def test_a_spreadsheet_is_named(tree: Tree) -> None:
    with pytest.raises(AssayError, match=r"labels\.xlsx: expected a CSV, found a spreadsheet; save it as CSV UTF-8"):
        entries(tree({"batch1/1.png": b"1", "batch2/2.png": b"2", "labels.xlsx": b"PK\x03\x04"}))


def test_an_extra_column_does_not_take_the_name_of_one_of_the_manifest(tree: Tree) -> None:
    files = {"a/1.png": b"1", "a/2.png": b"2", "t.csv": b"file,label,fold\n1.png,x,3\n2.png,y,4\n"}
    assert [(entry.fold, entry.extra) for entry in entries(tree(files))] == [
        ("", (("table_fold", "3"),)), ("", (("table_fold", "4"),)),
    ]  # fmt: skip


def test_many_columns_take_no_time_and_more_are_refused(tree: Tree) -> None:
    def table(columns: int) -> str:
        return f"path,label,{','.join(f'c{n}' for n in range(columns))}\n0.png,a\n1.png,b\n"

    images = {"0.png": b"0", "1.png": b"1"}
    start = time.monotonic()
    assert len(entries(tree(images | {"labels.csv": table(9_000).encode()}, "wide"))) == 2
    assert time.monotonic() - start < 5
    with pytest.raises(AssayError, match=r"labels.csv: expected at most 10000 columns, found 20002"):
        entries(tree(images | {"labels.csv": table(20_000).encode()}, "wider"))
