"""From a folder of one's own to the report in one command, whatever letters its name and its classes have."""

from pathlib import Path

import pytest

from tests.images.helpers import save, smooth
from tests.pipeline.conftest import Project

pytestmark = pytest.mark.slow


def test_one_command_leads_from_a_folder_of_any_name_to_the_report(
    tmp_path: Path,
) -> None:
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project")
    project.run("git", "checkout", "--quiet", "HEAD", "--", "params.yaml")
    for label, first in (("肺炎", 0), ("سليم", 50)):
        for patient in range(first, first + 12):
            for image in range(2):
                picture = smooth(40, 40, seed=patient * 2 + image, channels=1)
                save(tmp_path / "Мои scans ü" / label / f"p{patient}_{image}.png", picture)
    done = project.run(
        "python", "-m", "src.reproduce", "--source", str(tmp_path / "Мои scans ü"),
        "--set", "train.epochs=1 train.patience=1", "evaluate.resamples=100", "track.model=false",
    )  # fmt: skip
    assert "24 groups by the file names" in done.stdout
    assert "Glyph" not in done.stderr + done.stdout
    assert "肺炎" in project.read("build/evaluation/report.html")
    assert "Plan of Мои scans ü" in project.read("params.yaml")
