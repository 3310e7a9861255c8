import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from src.config import Dataset
from src.core.paths import Raw
from src.download import stage
from src.download.stage import run as download
from tests.conftest import ROOT

Tree = Callable[..., Path]
Make = Callable[..., Dataset]


def test_files_are_copied_where_they_cannot_be_linked(
    tree: Tree, raw: Raw, dataset: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    download(dataset(source := tree()), raw, tmp_path)
    copy = raw.folder / "cat" / "1.png"
    assert copy.read_bytes() == b"cat/1.png"
    assert not copy.samefile(source / "cat" / "1.png")


def test_a_link_in_the_source_becomes_a_file_in_raw(tree: Tree, raw: Raw, dataset: Make, tmp_path: Path) -> None:
    source = tree()
    (source / "dog" / "2.png").symlink_to("../cat/1.png")
    download(dataset(source), raw, tmp_path)
    assert not (raw.folder / "dog" / "2.png").is_symlink()
    assert (raw.folder / "dog" / "2.png").read_bytes() == b"cat/1.png"


@pytest.mark.parametrize(("kind", "links"), [("", False), ("copy", False), ("hardlink,copy", True), ("symlink", True)])
def test_dvc_is_asked_how_it_caches(tmp_path: Path, kind: str, links: bool) -> None:
    assert not stage.dvc_links(tmp_path)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text(f"[cache]\n    type = {kind}\n" if kind else "")
    assert stage.dvc_links(tmp_path) is links


def test_where_dvc_links_a_writable_file_is_copied_and_one_of_its_cache_is_not(
    tree: Tree, raw: Raw, dataset: Make, tmp_path: Path
) -> None:
    source = tree()
    (source / "dog" / "1.png").chmod(0o444)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[cache]\n    type = hardlink\n")
    download(dataset(source), raw, tmp_path)
    assert not (raw.folder / "cat" / "1.png").samefile(source / "cat" / "1.png")
    assert (raw.folder / "dog" / "1.png").samefile(source / "dog" / "1.png")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["reflink,copy", "hardlink", "symlink"])
def test_dvc_changes_nothing_of_the_source_whatever_its_cache(tree: Tree, tmp_path: Path, kind: str) -> None:
    source = tree()
    before = {path: path.stat().st_mode for path in source.rglob("*")}
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pathlib import Path; "
        "from src.download.stage import run as download; from tests import sections; from src.core.paths import RAW; "
        "download(sections.dataset(source='../source', layout='folders'), RAW, Path.cwd())"
    )
    work = tmp_path / "work"
    work.mkdir()
    (work / "get.py").write_text(code)
    command = json.dumps(f'"{sys.executable}" get.py')
    stage = f"stages: {{download: {{cmd: {command}, deps: [../source], outs: [build/raw]}}}}"
    (work / "dvc.yaml").write_text(stage)
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "-q", "--no-scm"], cwd=work, check=True)
    subprocess.run([*dvc, "config", "cache.type", kind], cwd=work, check=True)
    subprocess.run([*dvc, "repro", "-q"], cwd=work, check=True)
    assert (work / "build/raw/cat/1.png").read_bytes() == b"cat/1.png"
    assert {path: path.stat().st_mode for path in source.rglob("*")} == before
    (source / "cat/1.png").write_bytes(b"edited")
    assert (work / "build/raw/cat/1.png").read_bytes() == b"cat/1.png"
