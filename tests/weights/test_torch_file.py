"""Weights of PyTorch's first format: each number in its place, and nothing of a pickle is run."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core.errors import AssayError
from src.weights import torch_file

NUMBERS = np.arange(24, dtype="<f4")
ORDERED = b"ccollections\nOrderedDict\n)R"


def plain(value: object) -> bytes:
    """Pickle a value without the beginning and the end of a pickle."""
    return pickle.dumps(value, 2)[2:-1]


def tensor(shape: Sequence[Any], strides: Sequence[Any], offset: int = 0, count: int = 24) -> bytes:
    storage = b"(" + plain("storage") + b"ctorch\nFloatStorage\n" + plain("7") + plain("cpu") + plain(count) + b"NtQ"
    view = plain(offset) + plain(tuple(shape)) + plain(tuple(strides))
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + view + b"\x89" + ORDERED + b"tR"


def content(value: bytes, name: str = "w", raw: bytes = NUMBERS.tobytes(), count: int = 24) -> bytes:
    """Lay out a file that holds one tensor."""
    machine = pickle.dumps({"little_endian": True, "protocol_version": 1001}, 2)
    state = b"\x80\x02" + ORDERED + b"(" + plain(name) + value + b"u."
    head = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + machine
    return head + state + pickle.dumps(["7"], 2) + count.to_bytes(8, "little") + raw


def read(folder: Path, data: bytes) -> dict[str, Any]:
    (folder / "w.pth").write_bytes(data)
    return torch_file.read(folder / "w.pth")


def test_strides_and_offset_say_which_numbers_are_of_a_tensor(tmp_path: Path) -> None:
    found = read(tmp_path, content(tensor((2, 3), (1, 4), offset=5)))["w"]
    np.testing.assert_array_equal(found, [[5, 9, 13], [6, 10, 14]])
    assert found.flags.owndata
    assert found.flags.writeable


def test_a_single_number_is_an_array_without_axes(tmp_path: Path) -> None:
    assert read(tmp_path, content(tensor((), (), offset=23)))["w"] == 23


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((5, 5), (5, 1), 0),
        ((24,), (1,), 1),
        ((2,), (-1,), 3),
        ((1000,), (0,), 0),
        ((2,), (1, 1), 0),
        ((True,), (1,), 0),
    ],
)
def test_a_tensor_beyond_its_storage_is_refused(
    tmp_path: Path, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> None:
    with pytest.raises(AssayError, match=r"w\.pth: expected weights in PyTorch's first format.*a tensor"):
        read(tmp_path, content(tensor(shape, strides, offset)))


HOSTILE = {
    "a command": b"cos\nsystem\n(" + plain("touch ran") + b"tR",
    "a function of Python": b"cbuiltins\nexec\n(" + plain("open('ran', 'w')") + b"tR",
    "another name of torch": b"ctorch\nload\n(" + plain("ran") + b"tR",
    "a name from the stack": plain("os") + plain("system") + b"\x93(" + plain("touch ran") + b"tR",
    "an instance": b"(" + plain("touch ran") + b"ios\nsystem\n",
    "a registered extension": b"\x82\x01",
    "a memory of billions": b"Nr\xff\xff\xff\x7f",
    "an endless pickle": b"N0" * 20_000 + b"N",
    "another class's attributes": b"ccollections\nOrderedDict\n(N}" + plain("get") + b"NstbN",
    "a text of four gigabytes": b"X\xff\xff\xff\xff",
    "no tensor": plain("w"),
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_pickle_that_asks_for_more_than_tensors_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssayError, match="found something else: ") as caught:
        read(tmp_path, content(value))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_a_storage_may_not_claim_another_size_than_it_has(tmp_path: Path) -> None:
    for count in (23, 2**62):
        with pytest.raises(AssayError, match=r"a storage of 24 numbers has"):
            read(tmp_path, content(tensor((2,), (1,)), count=count))


def test_a_file_that_ends_anywhere_before_its_end_is_refused(tmp_path: Path) -> None:
    whole = content(tensor((2, 3), (1, 4)))
    for length in range(0, len(whole), 7):
        with pytest.raises(AssayError, match="found something else"):
            read(tmp_path, whole[:length])


def test_another_file_and_none_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"expected weights in PyTorch's first format, before its version 1\.6"):
        read(tmp_path, b"PK\x03\x04" + bytes(100))
    with pytest.raises(AssayError, match=r"none\.pth: not found"):
        torch_file.read(tmp_path / "none.pth")


def test_a_file_of_any_length_takes_no_more_memory_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_file, "MOST_BYTES", 1 << 20)
    with pytest.raises(AssayError, match=r"expected weights of at most 1 MB, found 2 MB"):
        read(tmp_path, bytes(2 << 20))
