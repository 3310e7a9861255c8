"""Small sources of every kind; the bytes of an image do not matter to this room."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from src.config import Dataset
from src.core.paths import Raw
from tests import sections

Tree = Callable[..., Path]
TWO_CLASSES = ("cat/1.png", "cat/2.png", "dog/1.png")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Make a folder of files: names, which become their own content, or names with content."""

    def make(files: Mapping[str, bytes] | tuple[str, ...] = TWO_CLASSES, folder: str = "source") -> Path:
        root = tmp_path / folder
        root.mkdir(exist_ok=True)
        contents = files if isinstance(files, Mapping) else {name: name.encode() for name in files}
        for name, content in contents.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return root

    return make


@pytest.fixture
def raw(tmp_path: Path) -> Raw:
    return Raw(tmp_path / "build" / "raw")


@pytest.fixture
def dataset() -> Callable[..., Dataset]:
    """Make the dataset section, of layout `folders` unless told otherwise."""

    def make(source: Path | str, layout: str = "folders", **rest: object) -> Dataset:
        return sections.dataset(source=str(source), layout=layout, **rest)

    return make
