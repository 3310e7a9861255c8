"""An output is whole or absent, whatever happens while it is written."""

import errno
from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.core.files import read_csv, read_json, replacing, write_json, write_text


def test_a_written_file_has_the_content_and_no_leftovers(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "ä b.txt", "one\n")
    write_text(tmp_path / "new" / "ä b.txt", "two\n")
    assert (tmp_path / "new" / "ä b.txt").read_bytes() == b"two\n"
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_failure_keeps_the_old_file_and_leaves_nothing_half(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_text(path, "old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_text(folder / "old.txt", "")
    with replacing(folder) as temporary:
        write_text(temporary / "new.txt", "")
        assert (folder / "old.txt").exists()
    assert [path.name for path in folder.iterdir()] == ["new.txt"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".out.part").mkdir()
    (tmp_path / ".out.part" / "half").write_text("")
    with replacing(tmp_path / "out") as temporary:
        write_text(temporary / "whole", "")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"a\.csv: cannot be written \(No space left"), replacing(tmp_path / "a.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_an_error_of_another_kind_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.csv"):
        (tmp_path / "input").read_text()


def test_nan_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_reading_what_is_no_json_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1,\n oh')
    with pytest.raises(AssayError, match=r"a\.json: expected JSON, found something else at line 2"):
        read_json(tmp_path / "a.json")
    with pytest.raises(AssayError, match=r"b\.json: not found; run the stage"):
        read_json(tmp_path / "b.json")


def test_a_column_that_comes_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("path,label,label,,\n1,a,b,,\n")
    with pytest.raises(AssayError, match=r"a\.csv: expected each column once, found label more than once"):
        read_csv(tmp_path / "a.csv")
