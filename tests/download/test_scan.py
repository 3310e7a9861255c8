import unicodedata

import pytest

from src.core.errors import AssayError
from src.download import scan


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../a.png", "a/../../b.png", "C:/a.png", "c:a.png", "\\\\host\\a", "a\\..\\b"]
)
def test_a_path_out_of_the_archive_is_refused(name: str) -> None:
    with pytest.raises(AssayError, match=r"x\.zip: expected only paths inside the archive"):
        scan.contained(name, "x.zip")


@pytest.mark.parametrize(
    ("name", "path"), [("./a/./b.png", "a/b.png"), ("a\\b.png", "a/b.png"), ("./", ""), ("a..b/c.png", "a..b/c.png")]
)
def test_a_path_inside_is_made_plain(name: str, path: str) -> None:
    assert scan.contained(name, "x.zip") == path


def test_accents_stored_apart_are_composed() -> None:
    assert scan.normal(unicodedata.normalize("NFD", "Größe/é.png"), "x") == "Größe/é.png"


@pytest.mark.parametrize("name", ["a\nb.png", "a\x00.png", "\udcff.png"])
def test_a_name_that_no_manifest_can_hold_is_refused(name: str) -> None:
    with pytest.raises(AssayError, match="expected file names"):
        scan.normal(name, "x")


@pytest.mark.parametrize(
    "name", ["__MACOSX/a.png", "a/._b.png", ".DS_Store", "a/Thumbs.db", "a/desktop.ini", ".git/x.png", "THUMBS.DB"]
)
def test_what_systems_leave_behind_is_junk(name: str) -> None:
    assert scan.is_junk(name)


def test_an_image_is_no_junk() -> None:
    assert not scan.is_junk("Thumbs/db.v2.png")


@pytest.mark.parametrize("pair", [("a/1.png", "a/1.PNG"), ("Cat/1.png", "cat/2.png")])
def test_names_that_differ_by_case_only_are_refused(pair: tuple[str, str]) -> None:
    spellings = scan.Spellings("x")
    spellings.add(pair[0])
    with pytest.raises(AssayError, match="differ by more than upper and lower case"):
        spellings.add(pair[1])


def test_a_file_that_comes_twice_is_refused() -> None:
    spellings = scan.Spellings("x")
    spellings.add("a/1.png")
    with pytest.raises(AssayError, match=r"each file once, found a/1\.png twice"):
        spellings.add("a/1.png")
