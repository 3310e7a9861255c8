import hashlib
import io
import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from kagglesdk import kaggle_env

from src.config import Dataset
from src.core.errors import AssayError
from src.core.paths import Raw
from src.download import sources
from src.download.stage import run as download

SOURCE = "kaggle:someone/cells"


class Kaggle:
    """What kagglehub asks of Kaggle, answered on loopback."""

    def __init__(self) -> None:
        self.status = 200
        self.version = 3
        self.port = 0
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name in ("cells/a/1.png", "cells/b/1.png", "cells/cells/a/1.png", "cells/cells/b/1.png"):
                archive.writestr(name, name[-7:])
        self.content = content.getvalue()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        if self.status != 200:
            return self.status, "application/json", json.dumps({"code": self.status, "message": "no"}).encode()
        if path.endswith("/GetDataset"):
            return 200, "application/json", json.dumps({"currentVersionNumber": self.version}).encode()
        return 200, "application/zip", self.content


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Kaggle]:
    state = Kaggle()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, kind, body = state.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "no credentials"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state.port = http.server_port
        endpoint = f"http://127.0.0.1:{http.server_port}"
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, endpoint)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        http.shutdown()
        thread.join()


def refusal(source: str = SOURCE) -> str:
    with pytest.raises(AssayError) as error:
        sources.fetch(source)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.usefixtures("server")
def test_a_kaggle_data_set_becomes_raw_and_leaves_the_marker_that_dvc_looks_for(
    raw: Raw, dataset: Callable[..., Dataset], tmp_path: Path
) -> None:
    download(dataset(SOURCE), raw, tmp_path)
    assert raw.manifest.read_text() == "path,label,group,fold\na/1.png,a,,\nb/1.png,b,,\n"
    assert (tmp_path / "kaggle:someone" / "cells").read_text() == "version 3: 4 files, 28 bytes\n"


def test_a_new_version_changes_the_marker(server: Kaggle, raw: Raw, dataset: Callable[..., Dataset]) -> None:
    download(dataset(SOURCE), raw, Path.cwd())
    server.version = 4
    download(dataset(SOURCE), raw, Path.cwd())
    assert Path(SOURCE).read_text().startswith("version 4: ")


@pytest.mark.usefixtures("server")
def test_markers_with_and_without_a_version_give_way_to_each_other(raw: Raw, dataset: Callable[..., Dataset]) -> None:
    for source in (SOURCE, f"{SOURCE}/versions/3", SOURCE):
        download(dataset(source), raw, Path.cwd())
        assert Path(source).is_file()


def test_a_pinned_version_in_the_cache_needs_no_network(server: Kaggle) -> None:
    folder = sources.fetch(f"{SOURCE}/versions/3")
    server.status = 500
    assert sources.fetch(f"{SOURCE}/versions/3") == folder


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_refusal_of_kaggle_is_one_line_that_says_where_credentials_go(server: Kaggle, status: int) -> None:
    server.status = status
    said = refusal()
    assert said.startswith(f"{SOURCE}: cannot be fetched from Kaggle (")
    assert "~/.kaggle/kaggle.json or KAGGLE_API_TOKEN" in said


def test_a_damaged_download_is_one_line(server: Kaggle) -> None:
    server.content = b"no archive"
    assert refusal().startswith(f"{SOURCE}: cannot be fetched from Kaggle (")


@pytest.mark.usefixtures("server")
def test_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for endpoint in ("http://nowhere.invalid", "http://127.0.0.1:9"):
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, endpoint)
        assert "check the name and the network" in refusal()


@pytest.mark.usefixtures("server")
def test_a_damaged_credentials_file_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kaggle.json").write_text("{")
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    assert "Invalid Kaggle credentials file" in refusal()


@pytest.mark.parametrize("source", ["kaggle:", "kaggle:cells", "kaggle:a/b/c", "kaggle:../b", "kaggle:a/b/versions/x"])
def test_a_malformed_handle_is_refused(source: str) -> None:
    assert "dataset.source: expected kaggle:owner/name" in refusal(source)


def test_a_checksum_for_kaggle_is_refused(raw: Raw, dataset: Callable[..., Dataset], tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="a kaggle: source is pinned by its version"):
        download(dataset(SOURCE, sha256="0" * 64), raw, tmp_path)


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
