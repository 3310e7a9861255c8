"""Reads weights from a file in PyTorch's first format, without PyTorch and without running code from its pickles.

The file is five pickles in a row (a magic number, the version, the machine, the tensors, the keys of their storages)
and then the raw storages. A tensor is a view of a storage: its offset and strides say which numbers belong to it.
"""

import io
import pickle
import pickletools
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.core.errors import AssayError

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
MOST_BYTES = 1 << 28  # of a file
MOST_STEPS = 30_000  # of a pickle; that of the largest network of the family has 14,000
STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
# The opcodes in the pickle of a state_dict. Only GLOBAL looks up a name; the numbers of LONG_BINPUT are checked.
STEPS = frozenset(
    (
        *("PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "BUILD", "BINPERSID", "NONE", "NEWTRUE", "NEWFALSE"),
        *("EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_TUPLE", "TUPLE"),
        *("TUPLE1", "TUPLE2", "TUPLE3", "BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"),
        *("BINGET", "LONG_BINGET", "BINPUT", "LONG_BINPUT"),
    )
)
# What Python raises if the file is something else.
WRONG = (pickle.UnpicklingError, ValueError, TypeError, LookupError, AttributeError, EOFError, ArithmeticError)
Array = NDArray[Any]
Arrays = dict[str, Array]


class _Storage(NamedTuple):
    kind: np.dtype[Any]
    key: str
    length: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in numbers, not bytes


class _Unpickler(pickle.Unpickler):
    """Accepts four names only, and maps each to something harmless."""

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                return lambda storage, offset, shape, strides, *_: _Tensor(storage, offset, shape, strides)
            case "torch", storage if storage in STORAGES:
                return STORAGES[storage]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, _, count, view = pid
        if not (isinstance(key, str) and type(count) is int and count >= 0 and view is None):
            raise pickle.UnpicklingError("a storage is described in another way")
        return _Storage(kind, key, count)


def read(path: Path) -> Arrays:
    """Return the tensors of a file by name.

    Raises:
        AssayError: the file is missing, truncated or in another format, or its pickles hold anything but tensors.
    """
    if not path.is_file():
        raise AssayError(f"{path}: not found; expected a file of weights")
    if path.stat().st_size > MOST_BYTES:
        found = f"found {path.stat().st_size >> 20} MB"
        raise AssayError(f"{path}: expected weights of at most {MOST_BYTES >> 20} MB, {found}")
    try:
        return _read(io.BytesIO(path.read_bytes()))  # which never reads more than there is
    except WRONG as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        expected = "weights in PyTorch's first format, before its version 1.6"
        raise AssayError(f"{path}: expected {expected}, found something else: {reason}") from error


def _read(stream: io.BytesIO) -> Arrays:
    if (_unpickled(stream), _unpickled(stream)) != (MAGIC, VERSION):
        raise ValueError("it does not begin as such files do")
    if not _unpickled(stream)["little_endian"]:
        raise ValueError("its numbers are big-endian")
    tensors, keys = dict(_unpickled(stream)), _unpickled(stream)
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    raw = {key: _numbers(stream, storages[key]) for key in keys}
    return {str(name): _view(tensor, raw[tensor.storage.key]) for name, tensor in tensors.items()}


def _unpickled(stream: io.BytesIO) -> Any:
    """Read the next pickle, after checking each of its opcodes."""
    start = stream.tell()
    for number, (step, argument, _) in enumerate(pickletools.genops(stream)):
        if step.name not in STEPS or number > MOST_STEPS:
            raise pickle.UnpicklingError(f"its pickle has the step {step.name}, or too many steps")
        if step.name == "LONG_BINPUT" and int(argument or 0) > MOST_STEPS:  # allocates memory for so many
            raise pickle.UnpicklingError(f"its pickle counts to {argument}")
    end = stream.tell()
    stream.seek(start)
    return _Unpickler(io.BytesIO(stream.read(end - start)), encoding="utf-8").load()


def _numbers(stream: io.BytesIO, storage: _Storage) -> Array:
    count = int.from_bytes(stream.read(8), "little", signed=True)
    if count != storage.length:
        raise ValueError(f"a storage of {storage.length} numbers has {count}")
    content = stream.read(count * storage.kind.itemsize)
    return np.frombuffer(content, storage.kind, count)  # ValueError if there are fewer


def _view(tensor: _Tensor, numbers: Array) -> Array:
    """Copy a tensor out of the numbers of its storage.

    The strides matter: without them, the array would have the right shape with its numbers in the wrong places.
    """
    offset, shape, strides = tensor.offset, tensor.shape, tensor.strides
    whole = all(type(value) is int and value >= 0 for value in (offset, *shape, *strides))
    if not whole or len(shape) != len(strides):
        raise ValueError(f"a tensor has the offset {offset}, shape {shape} and strides {strides}")
    last = offset + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    if int(np.prod(shape, dtype=object)) > len(numbers) or last >= len(numbers):
        raise ValueError(f"a tensor of shape {shape} reaches beyond its storage")
    steps = [stride * numbers.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(numbers[offset:], shape, steps).copy()
