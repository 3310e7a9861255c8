"""Nothing vanishes: what is no image of the manifest is counted by kind and reason, on the console and in a table."""

import csv
import logging
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from src.config import Dataset
from src.core.errors import AssayError
from src.core.files import digest_of
from src.core.paths import Raw
from src.download import stage

Tree = Callable[..., Path]
Make = Callable[..., Dataset]
Run = Callable[..., list[dict[str, str]]]
PNG, TWO = b"\x89PNG\r\n\x1a\n", {"ill/1.png": b"1", "well/1.png": b"2"}
HEIC, AVIF = b"\0\0\0\x18ftypheic", b"\0\0\0\x1cftypavif"


@pytest.fixture
def run(raw: Raw, dataset: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Run:
    """Run the stage on a source and return the rows of the manifest, with its messages in caplog."""

    def start(source: Path, **values: object) -> list[dict[str, str]]:
        caplog.set_level(logging.INFO)
        stage.run(dataset(source, **values), raw, tmp_path)
        return rows(raw.manifest)

    return start


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_files_are_known_by_content_and_counted_by_kind_and_reason(
    tree: Tree, run: Run, raw: Raw, caplog: pytest.LogCaptureFixture
) -> None:
    files = {"ill/scan": PNG, "ill/a.HEIC": HEIC, "ill/b.jpeg2": HEIC, "ill/c.avif": AVIF, "ill/v.nii.gz": b"\x1f\x8b"}
    source = tree({**TWO, **files, "ill/notes.txt": b"x"})
    (source / "rare").mkdir()
    assert [row["path"] for row in run(source)] == ["ill/1.png", "ill/scan", "well/1.png"]
    found = {row["kind"]: (row["files"], row["reason"].partition(":")[0], row["example"]) for row in rows(raw.left_out)}
    assert found == {
        "HEIC": ("2", "no decoder", "ill/a.HEIC"), "AVIF": ("1", "no decoder", "ill/c.avif"),
        ".gz": ("1", "a volume or an array", "ill/v.nii.gz"), ".txt": ("1", "no image", "ill/notes.txt"),
        "folder": ("1", "it holds no image, so there is no class of its name", "rare"),
    }  # fmt: skip
    assert "warning: left out: HEIC 2, such as ill/a.HEIC: no decoder: save it as PNG or JPEG" in caplog.text
    assert "warning: left out: folder 1: rare: it holds no image" in caplog.text


def test_the_table_of_labels_is_not_left_out_and_another_one_is(tree: Tree, run: Run, raw: Raw) -> None:
    source = tree({"i/1.png": b"1", "i/2.png": b"2", "t.csv": b"file,label\n1,a\n2,b\n", "who.csv": b"who\nme\n"})
    assert [row["label"] for row in run(source)] == ["a", "b"]
    assert [row["example"] for row in rows(raw.left_out)] == ["who.csv"]


def test_masks_are_left_out_and_said_or_kept(tree: Tree, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    source = tree({**TWO, "ill/1_mask.png": b"3", "ill/1_mask_1.png": b"4", "well/2_mask.png": b"5"})
    assert [row["path"] for row in run(source)] == ["ill/1.png", "well/1.png", "well/2_mask.png"]  # it has no image
    assert "left out: mask 2, such as ill/1_mask.png: a mask beside its image; dataset.masks: keep" in caplog.text
    assert len(run(source, masks="keep")) == 5


def test_classes_with_folders_of_images_and_masks_are_read(tree: Tree, run: Run) -> None:
    files = {f"{label}/{kind}/{n}.png": b"1" for label in "ab" for kind in ("images", "masks") for n in range(2)}
    assert [(row["path"], row["label"]) for row in run(tree(files))] == [
        ("a/images/0.png", "a"), ("a/images/1.png", "a"), ("b/images/0.png", "b"), ("b/images/1.png", "b"),
    ]  # fmt: skip


def dicom(syntax: UID = ExplicitVRLittleEndian, **elements: object) -> bytes:
    from io import BytesIO

    data, out = pydicom.Dataset(), BytesIO()
    data.update({})
    for name, value in elements.items():
        setattr(data, name, value)
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = "1.2", "1.3"
    pydicom.dcmwrite(out, data, enforce_file_format=True)
    return out.getvalue()


def test_the_patient_of_dicom_files_is_the_group_and_no_name_leaves(
    tree: Tree, run: Run, raw: Raw, caplog: pytest.LogCaptureFixture
) -> None:
    one = dicom(PatientID="Doe^Jane", PatientSex="F", PatientAge="067Y", Manufacturer="ACME", StudyInstanceUID="1.5")
    study = dicom(StudyInstanceUID="1.9")
    files = {"ill/1.IMA": one, "ill/2.dcm": one, "well/3": dicom(PatientID="P2"), "well/4.dcm": study}
    found = run(tree(files))
    assert [row["group"] for row in found] == [
        *[f"patient-{digest_of('Doe^Jane')[:12]}"] * 2, f"patient-{digest_of('P2')[:12]}",
        f"study-{digest_of('1.9')[:12]}",
    ]  # fmt: skip
    assert (found[0]["sex"], found[0]["age"], found[0]["manufacturer"]) == ("F", "60-69", "ACME")
    assert "Doe" not in raw.manifest.read_text(encoding="utf-8")
    assert "DICOM: 3 groups of 4 files by PatientID, hashed: no name or number is kept" in caplog.text


def test_a_deflated_dicom_takes_no_memory_and_gives_no_patient(tree: Tree, run: Run) -> None:
    files = {
        f"{label}/1.dcm": dicom(
            DeflatedExplicitVRLittleEndian, PatientID=label, BitsAllocated=8, PixelData=bytes(100 * 10**6)
        )
        for label in ("ill", "well")
    }
    source = tree(files)
    tracemalloc.start()
    found = run(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row["group"] for row in found] == ["", ""]
    assert peak < 20 * 10**6


def test_one_patient_id_in_all_files_is_no_patient(tree: Tree, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    files = {f"{'ill' if n % 2 else 'well'}/{n}.dcm": dicom(PatientID="ANON", StudyInstanceUID="1.7") for n in range(4)}
    assert {row["group"] for row in run(tree(files))} == {""}
    assert "DICOM: one PatientID and one study in all 4 files, so patients are not known" in caplog.text
    assert "4 images: ill 2, well 2; patients are not known" in caplog.text


def test_a_table_in_another_place_is_read_from_the_folder_that_dvc_watches(
    tree: Tree, run: Run, tmp_path: Path
) -> None:
    source = tree({"b1/1.png": b"1", "b2/2.png": b"2"})
    (tmp_path / "tables").mkdir()
    for folder in ("tables", "elsewhere"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "labels.csv").write_text("image,class\n1,ill\n2,well\n", encoding="utf-8")
    assert [row["label"] for row in run(source, table="tables/labels.csv")] == ["ill", "well"]
    with pytest.raises(AssayError, match=r"copy it to tables/labels\.csv, where DVC sees its changes"):
        run(source, table="elsewhere/labels.csv")
    with pytest.raises(AssayError, match=r"found 'tables/label\.csv'; did you mean 'tables/labels\.csv'\?"):
        run(source, table="tables/label.csv")
