import hashlib
import logging
import os
import re
import resource
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.download import http_download


@dataclass
class Server:
    """A real HTTP server; `cuts` holds how many bytes each coming answer breaks off after, None for not at all."""

    content: bytes
    url: str = ""
    cuts: list[int | None] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    ranges: bool = True
    length: bool = True
    validators: dict[str, str] = field(default_factory=lambda: {"ETag": '"v1"'})
    extra: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    before: Callable[[], None] = lambda: None


class Handler(BaseHTTPRequestHandler):
    state: Server

    def do_GET(self) -> None:
        server = self.state
        server.before()
        asked = self.headers.get("Range", "")
        server.asked.append(asked)
        server.allowed.append(self.headers.get("Authorization", ""))
        if server.statuses and (status := server.statuses.pop(0)) != 200:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = self._start(asked)
        if start > 0 and start >= len(server.content):
            self._head(416, {"Content-Range": f"bytes */{len(server.content)}", "Content-Length": "0"})
            return
        body = server.content[start:]
        span = {"Content-Range": f"bytes {start}-{len(server.content) - 1}/{len(server.content)}"} if start else {}
        length = {"Content-Length": str(len(body))} if server.length else {}
        self._head(206 if start else 200, span | length | server.validators | server.extra)
        cut = server.cuts.pop(0) if server.cuts else None
        self.wfile.write(body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def _start(self, asked: str) -> int:
        span = re.fullmatch(r"bytes=(\d+)-", asked)
        same = self.headers.get("If-Range") in (None, *self.state.validators.values())
        return int(span[1]) if span and self.state.ranges and same else 0

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of connections that a test cut."""


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("a/1.png", os.urandom(3 * 2**20))
    return (tmp_path / "x.zip").read_bytes()


@pytest.fixture
def server(archive: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(http_download, "PAUSE", 0.001)
    monkeypatch.setattr(http_download, "TIMEOUT", (10.0, 10.0))
    monkeypatch.setenv("no_proxy", "*")
    state = Server(archive)
    handler = type("Bound", (Handler,), {"state": state})
    with Quiet(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.url = f"http://127.0.0.1:{http.server_port}/data/x.zip"
        yield state
        http.shutdown()
        thread.join()


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetched(server: Server, folder: Path, pin: str | None = None) -> bytes:
    return http_download.fetch(server.url, pin or sha(server.content), folder, 1.0).read_bytes()


def refusal(server: Server, folder: Path, pin: str | None, max_gb: float = 1.0) -> str:
    with pytest.raises(AssayError) as error:
        http_download.fetch(server.url, pin, folder, max_gb)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_file_with_the_pinned_checksum_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    assert fetched(server, tmp_path) == server.content
    assert fetched(server, tmp_path) == server.content
    assert server.asked == [""]
    assert {path.name for path in tmp_path.iterdir()} == {"x.zip", sha(server.content)}


@pytest.mark.parametrize("validators", [{"ETag": '"v1"'}, {"Last-Modified": "Sat, 01 Feb 2020 00:00:00 GMT"}, {}])
def test_a_cut_connection_is_taken_up_where_it_broke(
    server: Server, tmp_path: Path, validators: dict[str, str]
) -> None:
    server.validators = validators
    server.cuts = [len(server.content) // 2, 1000, None]
    assert fetched(server, tmp_path) == server.content
    half = len(server.content) // 2
    assert server.asked == ["", f"bytes={half}-", f"bytes={half + 1000}-"]


def test_what_came_before_a_run_ended_is_kept_for_the_next(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.cuts = [2**20] + [0] * (http_download.ATTEMPTS + 1)
    with caplog.at_level(logging.WARNING):
        message = refusal(server, tmp_path, sha(server.content))
    assert f"{2**20} bytes are kept, the same command goes on from there" in message
    assert f"after {http_download.ATTEMPTS} attempts" in message
    assert "trying again in" in caplog.text
    server.cuts, server.asked = [], []
    assert fetched(server, tmp_path) == server.content
    assert server.asked == [f"bytes={2**20}-"]


def test_a_server_that_ignores_ranges_is_asked_from_the_start(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.cuts = [2**20, None]
    assert fetched(server, tmp_path) == server.content


def test_a_file_that_changed_between_two_halves_is_downloaded_anew(server: Server, tmp_path: Path) -> None:
    new = b"PK new content" * 200_000
    server.cuts = [2**20] + [0] * (http_download.ATTEMPTS + 1)
    refusal(server, tmp_path, sha(new))
    server.content, server.cuts, server.validators = new, [], {"ETag": '"v2"'}
    assert fetched(server, tmp_path) == new


def test_a_change_that_the_server_does_not_tell_is_found_by_the_checksum(server: Server, tmp_path: Path) -> None:
    new = b"PK new content" * 200_000
    server.validators = {}
    server.cuts = [2**20] + [0] * (http_download.ATTEMPTS + 1)
    refusal(server, tmp_path, sha(new))
    server.content, server.cuts = new, []
    assert fetched(server, tmp_path) == new
    assert server.asked[-2:] == [f"bytes={2**20}-", ""]


def test_a_file_that_became_shorter_is_downloaded_anew(server: Server, tmp_path: Path) -> None:
    server.validators = {}
    new = b"PK short"
    (tmp_path / f"{sha(new)}.part").write_bytes(b"longer than the new one")
    server.content = new
    assert fetched(server, tmp_path) == new


def test_a_download_that_ended_just_before_it_was_renamed_is_only_checked(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{sha(server.content)}.part").write_bytes(server.content)
    assert fetched(server, tmp_path) == server.content
    assert server.asked == [f"bytes={len(server.content)}-"]


def test_a_wrong_checksum_is_refused_and_the_file_not_kept(server: Server, tmp_path: Path) -> None:
    message = refusal(server, tmp_path / "downloads", "0" * 64)
    assert f"expected sha256 {'0' * 64}, found {sha(server.content)}" in message
    assert not [path for path in (tmp_path / "downloads").iterdir() if path.stat().st_size > 100]


def test_without_a_checksum_the_one_found_is_told_and_nothing_is_downloaded_twice(
    server: Server, tmp_path: Path
) -> None:
    message = refusal(server, tmp_path, None)
    assert message.startswith("dataset.sha256: expected the checksum that pins")
    assert sha(server.content) in message
    assert fetched(server, tmp_path) == server.content
    assert len(server.asked) == 1


def test_without_a_checksum_two_halves_of_different_files_are_never_joined(server: Server, tmp_path: Path) -> None:
    server.validators = {}
    server.cuts = [2**20, None]
    assert sha(server.content) in refusal(server, tmp_path, None)
    assert server.asked == ["", ""]


def test_without_a_checksum_the_rest_is_asked_for_only_if_the_file_is_the_same(server: Server, tmp_path: Path) -> None:
    new = b"PK\x03\x04 new content" * 200_000

    def change() -> None:
        if server.asked:
            server.content, server.validators = new, {"ETag": '"v2"'}

    server.before = change
    server.cuts = [2**20, None]
    assert sha(new) in refusal(server, tmp_path, None)
    assert server.asked == ["", f"bytes={2**20}-"]


def test_a_page_instead_of_an_archive_is_said_before_its_checksum_is(server: Server, tmp_path: Path) -> None:
    server.content = b"<!DOCTYPE html><html>please log in</html>"
    assert "found an HTML page" in refusal(server, tmp_path, None)


@pytest.mark.parametrize("status", [404, 403, 401, 410])
def test_a_refusal_is_told_at_once(server: Server, tmp_path: Path, status: int) -> None:
    server.statuses = [status] * 9
    assert re.search(rf"x\.zip: expected the file, found the answer {status} \w+", refusal(server, tmp_path, "0" * 64))
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [503, 429, 500])
def test_a_passing_trouble_of_the_server_is_waited_out(server: Server, tmp_path: Path, status: int) -> None:
    server.statuses = [status, status, 200]
    assert fetched(server, tmp_path) == server.content
    server.statuses = [status] * 9
    assert f"the server answers {status}" in refusal(server, tmp_path, "0" * 64)


def test_a_server_that_falls_silent_is_one_line(server: Server, tmp_path: Path) -> None:
    stop = threading.Event()
    server.before = lambda: stop.wait(20) and None
    http_download.TIMEOUT = (5.0, 0.05)  # the patch of the fixture puts it back
    message = refusal(server, tmp_path, "0" * 64)
    stop.set()
    assert "no answer within" in message


def test_a_host_that_is_not_there_is_one_line(server: Server, tmp_path: Path) -> None:
    server.url = "http://nowhere.invalid/x.zip"
    assert "nowhere.invalid is not found (is there a network?)" in refusal(server, tmp_path, "0" * 64)


def test_a_port_nobody_listens_on_is_one_line(server: Server, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server.url = f"http://127.0.0.1:{probe.getsockname()[1]}/x.zip"
        assert "no connection (refused)" in refusal(server, tmp_path, "0" * 64)


@pytest.mark.parametrize("url", ["http://", "http://[::1/x.zip", "https://a b/x"])
def test_a_malformed_url_is_one_line(server: Server, tmp_path: Path, url: str) -> None:
    server.url = url
    refusal(server, tmp_path, "0" * 64)


def test_a_body_of_unknown_length_is_checked_by_its_checksum(server: Server, tmp_path: Path) -> None:
    server.length = False
    assert fetched(server, tmp_path) == server.content


def test_what_a_server_takes_for_compression_is_kept_as_it_comes(server: Server, tmp_path: Path) -> None:
    server.extra = {"Content-Encoding": "gzip"}  # as some do for every .tar.gz
    assert fetched(server, tmp_path) == server.content


@pytest.mark.parametrize("length", [True, False])
def test_a_file_larger_than_the_limit_is_refused_and_never_stored_whole(
    server: Server, tmp_path: Path, length: bool
) -> None:
    server.length = length
    message = refusal(server, tmp_path / "downloads", sha(server.content), max_gb=1e-3)
    assert "expected at most 0.001 GB, found more; if you trust it, raise dataset.max_download_gb" in message
    assert sum(path.stat().st_size for path in (tmp_path / "downloads").iterdir()) <= 1e6
    assert fetched(server, tmp_path / "downloads") == server.content


def test_a_full_disk_names_the_file_that_is_written(server: Server, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        message = refusal(server, tmp_path, sha(server.content))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert message.startswith(f"{tmp_path / sha(server.content)}.part: cannot be written (File too large); make room")
    assert fetched(server, tmp_path) == server.content


def test_a_password_comes_from_netrc(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password word\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    fetched(server, tmp_path / "downloads")
    assert server.allowed == ["Basic bWU6d29yZA=="]
