import subprocess
import sys

from src.core import registry
from src.download.public_datasets import KNOWN, describe
from tests.conftest import ROOT


def test_every_known_data_set_has_a_layout() -> None:
    assert {known.layout for known in KNOWN} <= set(registry.names("download.layouts"))


def test_every_layout_but_that_for_own_images_and_a_second_reading_has_an_entry() -> None:
    assert {known.layout for known in KNOWN} == set(registry.names("download.layouts")) - {
        "folders",
        "chest_xray_three",
    }


def test_a_description_says_all_in_short_lines() -> None:
    for known in KNOWN:
        text = describe(known)
        assert max(map(len, text.splitlines())) <= 100
        for word in (known.original, known.kaggle, known.licence.split()[0], *known.classes):
            assert word in text


def test_the_command_lists_them() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "src.download"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert all(known.title.split(":")[0] in done.stdout for known in KNOWN)
    assert "layouts (dataset.layout): " in done.stdout
