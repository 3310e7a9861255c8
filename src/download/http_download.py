"""Downloads a file over http(s): resumes after an interruption, and accepts only a file with the pinned checksum."""

import logging
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from src.core.errors import AssayError
from src.core.files import CANNOT_WRITE, digest, digest_of
from src.download import archive

log = logging.getLogger(__name__)

CHUNK = 2**20
ATTEMPTS = 5  # in a row without a new byte
PAUSE = 1.0  # seconds before the second attempt, doubled for each further one
TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds between two bytes
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
PARTIAL, RANGE_REFUSED = 206, 416


class _InterruptedError(Exception):
    """The transfer ended early, for a reason that may be temporary."""


def fetch(url: str, sha256: str | None, folder: Path, max_gb: float) -> Path:
    """Download an archive into a folder, or reuse it from an earlier run; the file is named by its sha256.

    Raises:
        AssayError: the server has no such file, sends more than `max_gb`, cannot be reached or keeps cutting the
            connection; the disk is full; there is no sha256 to compare with (the message gives the one found), or
            the file has a different one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if sha256 and (whole := folder / sha256).is_file() and digest(whole) == sha256:
        return whole
    part = folder / f"{sha256 or digest_of(url)}.part"
    # The file may have changed on the server since the first part came: then download it once more from the start.
    for resumed in (part.exists(), False):
        _download(url, part, max_gb, pinned=sha256 is not None)
        found = digest(part)
        if sha256 in (None, found):
            break
        part.unlink()
        if not resumed:
            raise AssayError(f"{url}: expected sha256 {sha256}, found {found}; the file is not used")
    if sha256 is None:
        _check_is_archive(part, url)
    _validator(part).unlink(missing_ok=True)
    kept = part.replace(part.with_name(found))
    if sha256 is None:
        raise AssayError(
            f"dataset.sha256: expected the checksum that pins {url}, found null; the downloaded file has {found}; "
            "if it is the right file, set this checksum and run again (the file is kept, not downloaded again)"
        )
    return kept


def _check_is_archive(part: Path, url: str) -> None:
    try:
        archive.kind(part, url)
    except AssayError:
        part.unlink()
        raise


def _download(url: str, part: Path, max_gb: float, *, pinned: bool) -> None:
    failures = 0
    while True:
        before = _size(part)
        try:
            return _transfer(url, part, max_gb, pinned=pinned)
        except _InterruptedError as error:
            failures = 1 if _size(part) > before else failures + 1
            if failures == ATTEMPTS:
                kept = f"; {_size(part)} bytes are kept, the same command goes on from there" if _size(part) else ""
                raise AssayError(f"{url}: {error}, after {ATTEMPTS} attempts{kept}") from error
            pause = PAUSE * 2 ** (failures - 1)
            log.warning("%s: %s; trying again in %.0f s", url, error, pause)
            time.sleep(pause)


def _transfer(url: str, part: Path, max_gb: float, *, pinned: bool) -> None:
    """Request the missing rest of a file and append it.

    Raises:
        _InterruptedError: not all of it arrived.
        AssayError: the server refuses, the URL is invalid, or the file cannot be written.
    """
    headers = {"Accept-Encoding": "identity", **_resuming(part, pinned)}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            _store(response, part, max_gb, "Range" in headers)
    except (requests.ConnectionError, requests.Timeout, HTTPError) as error:
        raise _InterruptedError(_reason(error, url)) from error
    except requests.RequestException as error:
        raise AssayError(f"{url}: expected a URL that leads to a file, found: {error}") from error
    except OSError as error:
        if error.errno not in CANNOT_WRITE:
            raise
        hint = "make room on its disk, the same command goes on from there"
        raise AssayError(f"{part}: cannot be written ({error.strerror}); {hint}") from error


def _resuming(part: Path, pinned: bool) -> dict[str, str]:
    """Return headers that request only the rest; without a pin, the server must confirm that the file is the same."""
    size = _size(part)
    validator = _validator(part).read_text(encoding="utf-8") if _validator(part).is_file() else ""
    if not size or not (validator or pinned):
        return {}
    return {"Range": f"bytes={size}-"} | ({"If-Range": validator} if validator else {})


def _store(response: requests.Response, part: Path, max_gb: float, asked_rest: bool) -> None:
    done = _size(part)
    span = re.match(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", ""))
    total = int(span[2]) if span and span[2].isdigit() else None
    if response.status_code == RANGE_REFUSED and asked_rest:
        if total == done:
            return
        part.unlink()
        raise _InterruptedError("the file has changed since its first part was downloaded")
    _refuse(response)
    if response.status_code == PARTIAL:
        if span is None or span[1] != str(done):
            part.unlink(missing_ok=True)
            raise _InterruptedError("the server sent a different part than requested")
    else:
        done, length = 0, response.headers.get("Content-Length", "")
        total = int(length) if length.isdigit() else None
        _validator(part).write_text(_etag(response), encoding="utf-8")
    found = f"{response.url}: expected at most {max_gb:g} GB, found more"
    room = archive.Room("download", total, max_gb, f"{found}; if you trust it, raise dataset.max_download_gb", done)
    with part.open("ab" if done else "wb") as file, room:
        # Not decoded: what a server declares as a compressed transfer may be the archive's own compression.
        # urllib3 raises an error for a body that ends before its Content-Length.
        for chunk in response.raw.stream(CHUNK, decode_content=False):
            room.add(len(chunk))
            file.write(chunk)


def _refuse(response: requests.Response) -> None:
    answer = f"{response.status_code} {response.reason}"
    if response.status_code in PASSING:
        raise _InterruptedError(f"the server answers {answer}")
    if not response.ok:
        raise AssayError(f"{response.url}: expected the file, found the answer {answer}")


def _etag(response: requests.Response) -> str:
    """Return what If-Range may carry: a strong ETag or a date (RFC 9110, section 13.1.5); else nothing."""
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def _reason(error: Exception, url: str) -> str:
    text = str(error)
    if isinstance(error, requests.Timeout) or "timed out" in text:
        return f"no answer within {TIMEOUT[1]:.0f} s"
    if "resolve" in text:
        return f"the host {urlsplit(url).hostname} is not found (is there a network?)"
    words = [word for word in ("refused", "unreachable", "certificate", "proxy") if word in text.lower()]
    return f"no connection ({words[0]})" if words else "the connection was cut"


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _validator(part: Path) -> Path:
    return part.with_suffix(".etag")
