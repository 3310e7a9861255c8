"""Fetches a data set from Kaggle with kagglehub, whose errors are made clear here."""

import os
import re
import shutil
from http import HTTPStatus
from pathlib import Path

import requests

from src import files
from src.errors import AssayError

PREFIX = "kaggle:"
_HANDLE = re.compile(r"kaggle:[\w-]+/[\w-]+(/versions/\d+)?")
_CREDENTIALS = (
    "make a token at https://www.kaggle.com/settings and put it into ~/.kaggle/kaggle.json "
    "or the environment variable KAGGLE_API_TOKEN"
)


def fetch(source: str) -> Path:
    """Download ``kaggle:owner/name`` or ``kaggle:owner/name/versions/3`` and give the folder in kagglehub's cache.

    Raises:
        AssayError: the handle is malformed or unknown, there is no network, or credentials are missing or wrong.
    """
    if not _HANDLE.fullmatch(source):
        raise AssayError(
            f"dataset.source: expected kaggle:owner/name or kaggle:owner/name/versions/1, found {source!r}"
        )
    os.environ.setdefault("KAGGLEHUB_VERBOSITY", "error")
    import kagglehub
    from kagglehub import exceptions

    try:
        return Path(kagglehub.dataset_download(source.removeprefix(PREFIX)))
    except exceptions.UnauthenticatedError as error:
        raise AssayError(f"{source}: expected Kaggle credentials, found none; {_CREDENTIALS}") from error
    except requests.HTTPError as error:
        raise AssayError(f"{source}: {_refusal(error)}") from error
    except (requests.ConnectionError, requests.Timeout) as error:
        raise AssayError(f"{source}: expected an answer from Kaggle, found none; is there a network") from error
    except (exceptions.DataCorruptionError, exceptions.BackendError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno in files.NO_ROOM:
            raise AssayError(f"{_cache()}: cannot be written ({error.strerror}); make room on its disk") from error
        raise AssayError(f"{source}: kagglehub failed: {' '.join(str(error).split())}") from error


def leave_marker(source: str, folder: Path) -> None:
    """Write the file ``kaggle:owner/name`` below the working directory, with what was fetched.

    dvc.yaml names dataset.source as a dependency of the stage. DVC knows how to ask a URL whether it changed,
    but takes ``kaggle:owner/name`` for a local path, and fails where no file stands there after the stage ran.
    """
    marker = Path(source)
    for taken in marker.parents:
        if taken.is_file():  # the marker of the same data set without a version
            taken.unlink()
    if marker.is_dir():  # those of its versions
        shutil.rmtree(marker)
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    files.write_text(
        marker,
        f"version {folder.name}: {len(found)} files, {sum(path.stat().st_size for path in found)} bytes\n",
    )


def _cache() -> str:
    from kagglehub.config import get_cache_folder

    return str(get_cache_folder())


def _refusal(error: requests.HTTPError) -> str:
    from kagglehub.config import get_kaggle_credentials

    status = error.response.status_code if error.response is not None else 0
    if status == HTTPStatus.NOT_FOUND:
        return "expected a data set on Kaggle, found none of this name"
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        if get_kaggle_credentials() is None:
            return f"expected Kaggle credentials, found none; {_CREDENTIALS}"
        return "Kaggle refuses it to these credentials: check the name, and accept the data set's terms on its page"
    return f"Kaggle answers {status} ({' '.join(str(error).split())})"
