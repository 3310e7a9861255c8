"""The scheduler of a Dask cluster: how it is reached, and what is said when it is not."""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from src.errors import AssayError

INSTALL = "install it with `uv pip install --require-hashes -r requirements.txt`"
KEPT = "what was finished is kept, the same command goes on from there"


def connected(address: str, timeout: float) -> Any:
    """Give a client of the scheduler.

    Raises:
        AssayError: distributed is not installed, the address is none, or nobody answers there in time.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise AssayError(f"--dask: expected the package distributed, found none; {INSTALL}") from error
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # one line of ours says what is wrong
    if not re.fullmatch(r"\w+://.+:\d+", address):
        raise AssayError(f"--dask: expected an address like tcp://host:8786, found {address!r}")
    try:
        with warnings.catch_warnings(action="ignore"):  # of other versions, which are looked at more closely later
            return Client(address, timeout=timeout, name="assay", set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise AssayError(f"--dask: no scheduler answers at {address} within {timeout:g} seconds") from error
    except (ValueError, TypeError, RuntimeError) as error:
        line = str(error).strip().splitlines()[0]
        raise AssayError(f"--dask: expected an address like tcp://host:8786, found {address!r} ({line})") from error


def check(client: Any, address: str) -> None:
    """Raise where the connection is lost: Dask forgets then what it was doing for us."""
    if client.status != "running":
        raise AssayError(f"--dask: lost the connection to the scheduler at {address}; {KEPT}")


@contextmanager
def reached(client: Any, address: str) -> Iterator[None]:
    """Turn what goes wrong in the block because the scheduler is gone into an error for the person."""
    try:
        yield
    except (OSError, TimeoutError) as error:
        raise AssayError(f"--dask: lost the connection to the scheduler at {address}; {KEPT}") from error
    except Exception:
        check(client, address)
        raise
