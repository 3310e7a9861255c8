"""The split stage as a whole, on made stores and on the real CT slices."""

import csv
import json
import logging
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.core.errors import AssayError
from src.core.paths import RAW, Prepared, Raw, SplitFiles
from src.split import shortcuts
from src.split.index import read_rows
from src.split.stage import run
from tests import sections
from tests.split.conftest import Store, slices
from tests.split.lookalikes.helpers import moved, save, smear

COUNT = 90
LABELS = ["b" if row % 2 else "a" for row in range(COUNT)]
GROUPS = [f"p{row // 3}" for row in range(COUNT)]
SECTION = sections.split(train=0.5, val=0.1, test=0.4)


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grow few trees of the forests that look for shortcuts: test_shortcuts.py is about what they find."""
    monkeypatch.setattr(shortcuts, "TREES", 10)
    monkeypatch.setattr(shortcuts, "TREES_ALONE", 2)


def audit_of(out: SplitFiles) -> dict:
    return json.loads(out.audit.read_text(encoding="utf-8"))


def parts_of(out: SplitFiles) -> list[str]:
    with out.parts.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [int(row["row"]) for row in table] == list(range(len(table)))
    return [row["part"] for row in table]


def test_every_row_has_a_part_and_groups_stand_in_one(store: Store, tmp_path: Path) -> None:
    out = SplitFiles(tmp_path / "split")
    run(RAW, store(slices(COUNT), LABELS, group=GROUPS), out, SECTION, 42)
    parts = parts_of(out)
    assert len(parts) == COUNT
    assert len({(group, part) for group, part in zip(GROUPS, parts, strict=True)}) == COUNT // 3
    audit = audit_of(out)
    assert audit["groups_in_two_parts"] == audit["exact_duplicates"] == audit["near_duplicates"] == 0
    assert audit["largest_deviation"] < 0.03
    assert sum(row["images"] for row in audit["parts"]) == COUNT
    assert sum(row["groups"] for row in audit["parts"]) >= COUNT // 3
    assert cv2.imread(str(out.sheet)) is not None


def copies_of_smears(store: Store, tmp_path: Path, sources: int, **columns: list[str]) -> tuple[Prepared, Raw]:
    """Write four copies of each slide, the copies of one far from each other in the order of rows."""
    count = 4 * sources
    labels = ["b" if row % sources % 2 else "a" for row in range(count)]
    images = [moved(smear(row % sources), angle=37 * (row // sources)) for row in range(count)]
    prepared = store(np.stack([cv2.resize(image, (32, 24)) for image in images])[..., None], labels, **columns)
    paths = read_rows(prepared).path.tolist()
    for label in "ab":
        (tmp_path / "raw" / label).mkdir(parents=True)
    save(tmp_path / "raw", dict(zip(paths, images, strict=True)))
    return prepared, Raw(tmp_path / "raw")


LOOKALIKE = SECTION.model_copy(update={"by": "lookalike"})


def test_copies_of_one_source_stand_in_one_part_and_their_group_is_told(store: Store, tmp_path: Path) -> None:
    prepared, raw = copies_of_smears(store, tmp_path, 10)
    out = SplitFiles(tmp_path / "split")
    run(raw, prepared, out, LOOKALIKE, 42)
    parts = parts_of(out)
    assert all(len(set(parts[source::10])) == 1 for source in range(10))
    with out.parts.open(encoding="utf-8", newline="") as file:
        groups = [row["group"] for row in csv.DictReader(file)]
    assert groups[:10] * 4 == groups
    assert groups[:2] == ["like a/0000.png", "like b/0001.png"]
    audit = audit_of(out)
    assert (audit["groups"], audit["largest_group"], audit["groups_in_two_parts"]) == (10, 4, 0)
    assert sum(row["groups"] for row in audit["parts"]) == 10
    assert audit["details"][0]["images_with_known_group"] == 0
    assert audit["details"][0]["copies"]["pairs_found"] >= 30
    assert "copies of one source were looked for" in audit["warnings"][0]
    with out.lookalikes.open(encoding="utf-8", newline="") as file:
        assert {row["images"] for row in csv.DictReader(file)} == {"4"}
    assert cv2.imread(str(out.copies)).shape[0] > 10 * 200


def test_found_groups_are_joined_with_the_known_ones(store: Store, tmp_path: Path) -> None:
    """Slides 0 and 1 are of one patient, whom only their first copies name."""
    prepared, raw = copies_of_smears(store, tmp_path, 10, group=["p", "p"] + [""] * 38)
    out = SplitFiles(tmp_path / "split")
    run(raw, prepared, out, LOOKALIKE, 42)
    parts = parts_of(out)
    assert len({parts[row] for row in range(40) if row % 10 < 2}) == 1
    assert (audit_of(out)["groups"], audit_of(out)["largest_group"]) == (9, 8)


def test_found_groups_that_the_folds_of_the_source_cut_are_told(store: Store, tmp_path: Path) -> None:
    prepared, raw = copies_of_smears(store, tmp_path, 10, fold=["train"] * 33 + ["test"] * 7)
    out = SplitFiles(tmp_path / "split")
    section = LOOKALIKE.model_copy(update={"folds": "respect"})
    run(raw, prepared, out, section, 42)
    assert audit_of(out)["groups_in_two_parts"] >= 7
    assert parts_of(out)[33:] == ["test"] * 7
    with pytest.raises(AssayError, match=r"groups, .* stand in two parts"):
        run(raw, prepared, out, section.model_copy(update={"leaks": "fail"}), 42)


def test_a_group_of_a_great_part_of_the_images_is_doubted(store: Store, tmp_path: Path) -> None:
    prepared, raw = copies_of_smears(store, tmp_path, 10, group=["p"] * 4 + [""] * 36)
    out = SplitFiles(tmp_path / "split")
    run(raw, prepared, out, LOOKALIKE, 42)
    assert any("the largest group holds 40% of the images" in line for line in audit_of(out)["warnings"])


def test_the_group_of_the_split_is_the_known_one(store: Store, tmp_path: Path) -> None:
    for by in ("group", "image"):
        out = SplitFiles(tmp_path / by)
        run(RAW, store(slices(COUNT), LABELS, group=GROUPS), out, SECTION.model_copy(update={"by": by}), 42)
        with out.parts.open(encoding="utf-8", newline="") as file:
            assert [row["group"] for row in csv.DictReader(file)] == GROUPS
        assert not out.lookalikes.exists()


def test_two_runs_write_the_same_bytes(store: Store, tmp_path: Path) -> None:
    prepared = store(slices(COUNT), LABELS, group=GROUPS)
    outs = [SplitFiles(tmp_path / name) for name in ("first", "second")]
    for out in outs:
        run(RAW, prepared, out, SECTION, 42)
    for name in ("split.csv", "audit.json", "pairs.png"):
        assert (outs[0].folder / name).read_bytes() == (outs[1].folder / name).read_bytes()


def test_no_known_groups_are_told(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    out = SplitFiles(tmp_path / "split")
    run(RAW, store(slices(COUNT), LABELS), out, SECTION, 42)
    assert "no groups are known" in audit_of(out)["warnings"][0]
    assert "no groups are known" in caplog.text


def test_by_image_the_audit_lists_groups_in_two_parts(store: Store, tmp_path: Path) -> None:
    out = SplitFiles(tmp_path / "split")
    run(RAW, store(slices(COUNT), LABELS, group=GROUPS), out, SECTION.model_copy(update={"by": "image"}), 42)
    audit, parts = audit_of(out), parts_of(out)
    cut = {group for group in GROUPS if len({part for g, part in zip(GROUPS, parts, strict=True) if g == group}) > 1}
    assert {row["group"] for row in audit["groups_cut"]} == cut
    assert audit["groups_in_two_parts"] == len(cut) > 0
    assert "stand in two parts" in audit["warnings"][0]


def leaky(store: Store) -> Prepared:
    """Make a store whose last image, of class b and fold test, is a copy of the first, of class a and fold train."""
    images = slices(COUNT)
    images[-1] = images[0]
    images[-2, ..., 0] = cv2.GaussianBlur(images[2, ..., 0], (0, 0), 0.5)
    return store(images, LABELS, fold=["train"] * 60 + ["test"] * 30)


RESPECT = SECTION.model_copy(update={"folds": "respect", "val": 0.1})


def test_leaks_fail_stops_after_the_audit_is_written(store: Store, tmp_path: Path) -> None:
    out = SplitFiles(tmp_path / "split")
    section = RESPECT.model_copy(update={"leaks": "fail"})
    with pytest.raises(
        AssayError, match=r"0 groups, 1 exact and 1 near duplicates stand in two parts; see .*audit.json"
    ):
        run(RAW, leaky(store), out, section, 42)
    assert audit_of(out)["exact_pairs"][0]["paths"] == ["a/0000.png", "b/0089.png"]
    assert out.sheet.exists()
    assert out.parts.exists()


def test_leaks_fail_stops_for_exact_duplicates_alone(store: Store, tmp_path: Path) -> None:
    images = slices(COUNT)
    images[-1] = images[0]
    prepared = store(images, LABELS, fold=["train"] * 60 + ["test"] * 30)
    with pytest.raises(AssayError, match="0 groups, 1 exact and 0 near"):
        run(RAW, prepared, SplitFiles(tmp_path / "split"), RESPECT.model_copy(update={"leaks": "fail"}), 42)


def test_leaks_fail_stops_for_cut_groups_alone(store: Store, tmp_path: Path) -> None:
    section = SECTION.model_copy(update={"leaks": "fail", "by": "image"})
    with pytest.raises(AssayError, match=r"[1-9]\d* groups, 0 exact and 0 near"):
        run(RAW, store(slices(COUNT), LABELS, group=GROUPS), SplitFiles(tmp_path / "split"), section, 42)


def test_leaks_warn_goes_on_and_says_so(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out = SplitFiles(tmp_path / "split")
    run(RAW, leaky(store), out, RESPECT, 42)
    audit = audit_of(out)
    assert (audit["exact_duplicates"], audit["near_duplicates"], audit["label_conflicts"]) == (1, 1, 1)
    assert audit["near_pairs"][0]["paths"] == ["a/0002.png", "a/0088.png"]
    assert "1 pairs of images with the same pixels stand in two parts; split.by: lookalike keeps copies" in caplog.text


def test_the_same_pixels_with_two_labels_are_named_also_within_a_part(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images, out = slices(COUNT), SplitFiles(tmp_path / "split")
    images[1] = images[0]
    run(RAW, store(images, LABELS, fold=["test"] * 30 + ["train"] * 60), out, RESPECT, 42)
    audit = audit_of(out)
    assert (audit["exact_duplicates"], audit["label_conflicts"], len(audit["pairs_of_two_labels"])) == (0, 1, 1)
    paths = audit["pairs_of_two_labels"][0]["paths"]
    said = f"the same pixels have two labels in 1 pairs of images, such as {paths[0]} (a) and {paths[1]} (b): correct"
    assert said in caplog.text


def test_without_leaks_fail_is_silent(store: Store, tmp_path: Path) -> None:
    section = SECTION.model_copy(update={"leaks": "fail"})
    run(RAW, store(slices(COUNT), LABELS, group=GROUPS), SplitFiles(tmp_path / "split"), section, 42)


def test_the_numbers_stand_at_the_top_and_lists_below(store: Store, tmp_path: Path) -> None:
    """`dvc metrics show` reads numbers, makes columns of nested mappings and of texts, and skips lists."""
    out = SplitFiles(tmp_path / "split")
    run(RAW, store(slices(COUNT), LABELS, group=GROUPS), out, SECTION, 42)
    kinds = {type(value) for value in audit_of(out).values()}
    assert kinds <= {int, float, list, type(None)}


def test_the_stage_imports_neither_tensorflow_nor_mlflow_nor_matplotlib() -> None:
    code = "import sys, stages.split; print(sorted({'tensorflow', 'keras', 'mlflow', 'matplotlib'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def covid_ct(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Prepare the real slices as params.yaml of the CT study says."""
    from src.download.stage import run as download
    from src.preprocess.stage import run as prepare

    folder = tmp_path_factory.mktemp("covid_ct")
    raw, prepared = Raw(folder / "raw"), Prepared(folder / "prepared")
    download(sections.dataset(source=str(shared_data / "covid_ct.zip"), layout="covid_ct"), raw, folder)
    steps = ("gray", "working_size", "stretch", "clahe", "crop", "resize")
    prepare(raw, prepared, sections.preprocess(image_size=150, color="gray", steps=steps))
    return prepared


@pytest.mark.slow
def test_the_official_split_of_covid_ct(covid_ct: Prepared, tmp_path: Path) -> None:
    out = SplitFiles(tmp_path / "split")
    run(RAW, covid_ct, out, SECTION.model_copy(update={"folds": "respect"}), 42)
    audit = audit_of(out)
    assert audit["groups_in_two_parts"] == 0
    counts = {(row["part"], row["class"]): row["images"] for row in audit["parts"]}
    assert (counts["train", "CT_COVID"], counts["test", "CT_NonCOVID"]) == (191, 105)
    conflicts = {tuple(pair["paths"]) for pair in audit["near_pairs"] if pair["labels_conflict"]}
    assert conflicts == {
        ("CT_COVID/kjr-21-e24-p5-29.png", "CT_NonCOVID/71_0.jpg"),
        ("CT_COVID/kjr-21-e24-p5-31.png", "CT_NonCOVID/71_1.jpg"),
    }
    assert audit["near_duplicates"] <= 6
    assert audit["shortcut_auc"] > 0.95
    assert audit["shortcut_auc_official"] > 0.9


@pytest.mark.slow
def test_a_split_of_our_own_of_covid_ct_comes_close_to_the_ratios(covid_ct: Prepared, tmp_path: Path) -> None:
    out = SplitFiles(tmp_path / "split")
    run(RAW, covid_ct, out, SECTION, 42)
    audit = audit_of(out)
    assert audit["groups_in_two_parts"] == 0
    assert audit["largest_deviation"] < 0.003
