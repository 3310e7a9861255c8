"""Looks whether a cluster's workers can run our code, and brings them what they lack: code and images, once each."""

import logging
import platform
import threading
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from src.errors import AssayError
from src.tuning.cluster import receiving, shipping
from src.tuning.cluster.shipping import Parcel

log = logging.getLogger(__name__)
# What a training depends on, and what unpickles the functions that are sent.
PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python-headless", "pydantic", "distributed", "cloudpickle")
MEGABYTE = 2**20


class UnfitError(AssayError):
    """A worker that cannot run our code."""


@dataclass(frozen=True)
class Found:
    """Where a worker keeps files, and that with the name of its machine."""

    folder: str
    place: str


class Supply:
    """Sends code and images to workers; those on one machine with one folder share them."""

    def __init__(self, client: Any, root: Path) -> None:
        self._client = client
        self._code = shipping.of_code(root)
        self._locks: dict[str, threading.Lock] = {}
        self.sent: list[tuple[str, str]] = []  # place and digest, in order

    def welcome(self, address: str) -> Found:
        """Check a worker and bring it our code.

        Raises:
            UnfitError: it has other versions than this machine.
        """
        known = self.call(receiving.look, PACKAGES, address=address)
        different = differences(_own_versions(), known["versions"])
        if different:
            raise UnfitError(f"worker {address}: {different}; install requirements.txt there as well")
        found = Found(known["folder"], known["place"])
        self.bring(self._code, address, found)
        return found

    @property
    def code(self) -> str:
        """The digest of our code."""
        return self._code.digest

    def bring(self, parcel: Parcel, address: str, found: Found) -> Path:
        """Send a parcel unless it is there, and give the folder that it stands in on the worker."""
        with self._locks.setdefault(found.place, threading.Lock()):
            if not self.call(receiving.has, found.folder, parcel.digest, address=address):
                self._send(parcel, address, found)
        return Path(found.folder, parcel.digest)

    def _send(self, parcel: Parcel, address: str, found: Found) -> None:
        self.call(receiving.begin, found.folder, parcel.digest, dict(parcel.sizes), address=address)
        total = 0
        for pieces in parcel.messages():
            self.call(receiving.add, parcel.digest, pieces, address=address)
            total += sum(len(content) for _, _, content in pieces)
        self.call(receiving.finish, found.folder, parcel.digest, address=address)
        self.sent.append((found.place, parcel.digest))
        log.info("worker %s: sent %s of %.1f MB", address, parcel.what, total / MEGABYTE)

    def call(self, function: Callable[..., Any], *arguments: Any, address: str) -> Any:
        """Run a function of `receiving` on a worker, beside whatever that is busy with."""
        return self._client.run(by_value(function), *arguments, workers=[address])[address]


def by_value(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function that is sent as its code: where it arrives our modules need not be, as on the scheduler."""
    code = cast(types.FunctionType, function)
    copy = types.FunctionType(code.__code__, code.__globals__, code.__name__, code.__defaults__)
    copy.__module__ = "__main__"  # whose functions cloudpickle never sends as a mere name
    return copy


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Name what differs, empty where nothing does.

    >>> differences({"python": "3.11", "numpy": "2.4.6"}, {"python": "3.12", "numpy": "2.4.6"})
    'expected python 3.11, found 3.12'
    """
    different = [(name, value, theirs.get(name, "none")) for name, value in ours.items() if theirs.get(name) != value]
    return ", ".join(f"expected {name} {value}, found {other}" for name, value, other in different)


def _own_versions() -> dict[str, str]:
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **{name: version(name) for name in PACKAGES}}
