import hashlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from src.config import Dataset
from src.core.errors import AssayError
from src.core.paths import Raw
from src.download import download

Tree = Callable[..., Path]
Make = Callable[..., Dataset]


@pytest.fixture
def archive(tree: Tree, tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        for path in (source := tree()).rglob("*.png"):
            file.write(path, path.relative_to(source))
    return tmp_path / "x.zip"


def test_a_relative_path_is_looked_up_here_first_then_at_home(
    tree: Tree, raw: Raw, dataset: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work := tmp_path / "deep" / "work").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(work)
    tree(("a/1.png", "b/1.png"), folder="data")
    download(dataset("../data"), raw, tmp_path / "home")
    assert (raw.folder / "a").is_dir()
    tree(("c/1.png", "d/1.png"), folder="deep/data")
    download(dataset("../data"), raw, tmp_path / "home")
    assert (raw.folder / "c").is_dir()


def test_nothing_there_is_one_line_with_the_choices(raw: Raw, dataset: Make, tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"dataset\.source: expected a folder, a \.zip .* found nothing at data/x"):
        download(dataset("data/x"), raw, tmp_path)


@pytest.mark.parametrize("source", ["s3://bucket/x.zip", "ftp://host/x", "file:///x.zip"])
def test_another_protocol_is_one_line_with_the_choices(raw: Raw, dataset: Make, tmp_path: Path, source: str) -> None:
    with pytest.raises(AssayError, match=rf"dataset\.source: expected a folder.* found '{source}'"):
        download(dataset(source), raw, tmp_path)


def test_an_image_instead_of_an_archive_is_one_line(raw: Raw, dataset: Make, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(AssayError, match=r"expected \.zip, .* found a PNG image"):
        download(dataset(tmp_path / "x.png"), raw, tmp_path)


def test_a_special_file_is_one_line(raw: Raw, dataset: Make, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AssayError, match="found a special file at"):
        download(dataset(tmp_path / "pipe"), raw, tmp_path)


def test_the_checksum_of_a_local_archive_is_held(archive: Path, raw: Raw, dataset: Make, tmp_path: Path) -> None:
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    download(dataset(archive, sha256=found), raw, tmp_path)
    with pytest.raises(AssayError, match=rf"expected sha256 {'0' * 64} \(dataset\.sha256\), found {found}"):
        download(dataset(archive, sha256="0" * 64), raw, tmp_path)


def test_a_checksum_for_a_folder_is_refused(tree: Tree, raw: Raw, dataset: Make, tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"dataset\.sha256: expected null, since a folder has no checksum"):
        download(dataset(tree(), sha256="0" * 64), raw, tmp_path)


def test_the_limit_of_params_is_held(archive: Path, raw: Raw, dataset: Make, tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"raise dataset\.max_unpacked_gb"):
        download(dataset(archive, max_unpacked_gb=1e-9), raw, tmp_path)


def test_a_layout_that_does_not_exist_names_the_nearest(dataset: Make) -> None:
    with pytest.raises(ValueError, match="did you mean 'folders'"):
        dataset("x", layout="folder")


def test_a_csv_instead_of_its_folder_is_one_line(raw: Raw, dataset: Make, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("path,label\n")
    with pytest.raises(AssayError, match=r"expected the folder of a CSV and its images, found the CSV .*table\.csv"):
        download(dataset(tmp_path / "table.csv"), raw, tmp_path)
