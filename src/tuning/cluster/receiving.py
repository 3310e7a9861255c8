"""What a cluster's worker runs before and around our code, which it may not have: it is sent over with the rest.

These functions are sent as their code (`supply.by_value`), so they use nothing of this project but what
they import inside, and keep their state on the worker, not in this module. A dask worker is passed in as
`dask_worker`: Dask fills an argument of that name.
"""

import getpass
import hashlib
import importlib.machinery
import importlib.metadata
import os
import platform
import queue
import shutil
import socket
import sys
import tempfile
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Piece = tuple[str, int, bytes]  # the file's name, where in it, the content


def look(packages: Sequence[str], dask_worker: Any) -> dict[str, Any]:
    """Say which Python and packages this worker has, and where it keeps files.

    Raises:
        PermissionError: the folder for files belongs to somebody else, who could change the code in it.
    """
    # Beside Dask's own folder, which is emptied when the worker ends.
    folder = Path(dask_worker.local_directory).parent.parent / f"assay-{getpass.getuser()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder}: belongs to another user; start the worker with another --local-directory")
    versions = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in packages:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "none"
    return {
        "versions": versions,
        "place": f"{socket.gethostname()}:{folder}",
        "folder": str(folder),
    }


def has(folder: str, digest: str) -> bool:
    """Say whether the files of this digest are here."""
    return Path(folder, digest).is_dir()


def begin(folder: str, digest: str, sizes: Mapping[str, int], dask_worker: Any) -> None:
    """Make room for files of these sizes in bytes; what is never sent of them reads as zeros and takes no room."""
    temporary = Path(tempfile.mkdtemp(prefix=f".{digest[:8]}-", dir=folder))
    for name, size in sizes.items():
        path = temporary / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)
    dask_worker.assay_incoming = {**getattr(dask_worker, "assay_incoming", {}), digest: (temporary, hashlib.sha256())}


def add(digest: str, pieces: Sequence[Piece], dask_worker: Any) -> None:
    """Write pieces of the files."""
    temporary, known = dask_worker.assay_incoming[digest]
    for name, offset, content in pieces:
        known.update(f"{name}:{offset}:{len(content)}:".encode())
        known.update(content)
        with (temporary / name).open("r+b") as file:
            file.seek(offset)
            file.write(content)


def finish(folder: str, digest: str, dask_worker: Any) -> None:
    """Give the files their name, if their content is what it says.

    Raises:
        ValueError: it is not.
    """
    temporary, known = dask_worker.assay_incoming.pop(digest)
    try:
        if known.hexdigest() != digest:
            raise ValueError(f"{digest[:8]}: what arrived has the digest {known.hexdigest()[:8]}")
        try:
            temporary.rename(Path(folder, digest))
        except OSError:  # another worker on this machine was quicker
            if not Path(folder, digest).is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def train(job: Mapping[str, Any], home: str, code: str, topic: str, token: str, target: str) -> None:
    """Run a job as a task of the cluster, on the data that stand in `home`; what comes of it goes to the topic."""
    from distributed import get_worker

    name = f"assay_{Path(code).name}"
    if name not in sys.modules:
        loader = importlib.machinery.SourceFileLoader(name, str(Path(code, "src/tuning/cluster/relaying.py")))
        module = types.ModuleType(name)
        loader.exec_module(module)
        sys.modules[name] = module  # whole, since a task in another thread may look for it meanwhile
    sys.modules[name].train(job, home, Path(code), topic, token, target, get_worker())


def answer(token: str, go_on: bool, dask_worker: Any) -> None:
    """Hand the driver's answer to the training that waits for it."""
    box: queue.SimpleQueue[bool] | None = getattr(dask_worker, "assay_answers", {}).get(token)
    if box is not None:
        box.put(go_on)
