"""Folders that look like public data sets: names, tables and folders as these have them, tiny pictures."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

Truth = tuple[dict[str, int], int]  # images of each class; groups, 0 where no name or table tells them


def picture(path: Path, number: int = 0, *, gray: bool = False) -> None:
    shape = (24, 24) if gray else (24, 24, 3)
    pixels = np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def table(path: Path, head: str, rows: Iterable[Iterable[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head.split(","), *rows])


def ham10000(top: Path) -> Truth:
    kinds = {"nv": 12, "mel": 9, "bkl": 6}
    rows, number = [], 0
    for kind, count in kinds.items():
        for _ in range(count):
            number += 1
            lesion, image = f"HAM_{number // 2:07}{kind}", f"ISIC_{24305 + number:07}"
            rows.append((lesion, image, kind, "histo", 40 + number, "male", "back"))
            picture(top / f"HAM10000_images_part_{1 + number % 2}" / f"{image}.jpg", number)
    table(top / "HAM10000_metadata.csv", "lesion_id,image_id,dx,dx_type,age,sex,localization", rows)
    return kinds, len({row[0] for row in rows})


def aptos(top: Path) -> Truth:
    rows = [(f"{number * 7919:012x}", number % 5) for number in range(50)]
    for number, (code, _) in enumerate(rows):
        picture(top / "train_images" / f"{code}.png", number)
    for number in range(5):
        picture(top / "test_images" / f"{number:011x}f.png", 99 + number)
    table(top / "train.csv", "id_code,diagnosis", rows)
    table(top / "test.csv", "id_code", [(f"{number:011x}f",) for number in range(5)])
    table(top / "sample_submission.csv", "id_code,diagnosis", [(f"{number:011x}f", 0) for number in range(5)])
    return {str(grade): 10 for grade in range(5)}, 0


def busi(top: Path) -> Truth:
    counts = {"benign": 14, "malignant": 8, "normal": 6}
    for label, count in counts.items():
        for number in range(1, count + 1):
            name = top / "Dataset_BUSI_with_GT" / label / f"{label} ({number}).png"
            picture(name, hash_of(label) + number, gray=True)
            picture(name.with_name(f"{label} ({number})_mask.png"), number, gray=True)
    picture(top / "Dataset_BUSI_with_GT" / "benign" / "benign (4)_mask_1.png", 5, gray=True)
    return counts, 0


def isic(top: Path) -> Truth:
    kinds = ("MEL", "NV", "BCC")
    rows = []
    for number in range(36):
        name = f"ISIC_{number + 100:07}"
        rows.append((name, *(float(number % 3 == place) for place in range(3)), 0.0))
        picture(top / "ISIC_2019_Training_Input" / "ISIC_2019_Training_Input" / f"{name}.jpg", number)
    table(top / "ISIC_2019_Training_GroundTruth.csv", f"image,{','.join(kinds)},UNK", rows)
    return dict.fromkeys(kinds, 12), 0


def kermany(top: Path) -> Truth:
    parts = {"train": 8, "val": 2, "test": 4}
    number = 0
    for part, count in parts.items():
        for _ in range(count):
            number += 1
            well = f"IM-{number:04}-0001.jpeg"
            picture(top / "chest_xray" / part / "NORMAL" / well, number, gray=True)
            for look in range(2):
                ill = f"person{number}_bacteria_{number * 2 + look}.jpeg"
                picture(top / "chest_xray" / part / "PNEUMONIA" / ill, 100 + number * 2 + look, gray=True)
    (top / "__MACOSX" / "chest_xray").mkdir(parents=True)
    (top / "__MACOSX" / "chest_xray" / "._train").write_bytes(b"\0")
    return {"NORMAL": 14, "PNEUMONIA": 28}, 28


def nih(top: Path) -> Truth:
    rows = []
    for number in range(30):
        name = f"{number // 3 + 1:08}_{number % 3:03}.png"
        finding = ("No Finding", "Effusion", "Effusion|Mass")[number % 3]
        rows.append((name, finding, number % 3, number // 3 + 1, "058Y", "M", "PA"))
        picture(top / f"images_{1 + number % 2:03}" / "images" / name, number, gray=True)
    table(
        top / "Data_Entry_2017.csv",
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position",
        rows,
    )
    (top / "README_CHESTXRAY.pdf").write_bytes(b"%PDF-1.4")
    return {}, 0


def breakhis(top: Path) -> Truth:
    trees = {("benign", "B", "adenosis", "A"): 4, ("malignant", "M", "ductal_carcinoma", "DC"): 8}
    groups = 0
    for (label, letter, kind, short), patients in trees.items():
        for _ in range(patients):
            groups += 1
            slide = f"14-{22500 + groups}AB"
            for number in range(1, 6):
                name = f"SOB_{letter}_{short}-{slide}-40-{number:03}.png"
                folder = top / "BreaKHis_v1" / "histology_slides" / "breast" / label / "SOB" / kind
                picture(folder / f"SOB_{letter}_{short}_{slide}" / "40X" / name, groups * 10 + number)
    (top / "BreaKHis_v1" / "README.txt").write_text("BreaKHis", encoding="utf-8")
    return {"benign": 20, "malignant": 40}, groups


def pcam(top: Path) -> Truth:
    rows = [(f"{number * 104729:040x}", int(number % 5 < 2)) for number in range(50)]
    for number, (code, _) in enumerate(rows):
        picture(top / "train" / f"{code}.tif", number)
    for number in range(6):
        picture(top / "test" / f"{number:039x}f.tif", 99 + number)
    table(top / "train_labels.csv", "id,label", rows)
    table(top / "sample_submission.csv", "id,label", [(f"{number:039x}f", 0) for number in range(6)])
    return {"0": 30, "1": 20}, 0


def dicom_export(top: Path) -> Truth:
    for label, first in (("ill", 0), ("well", 6)):
        for patient in range(first, first + 6):
            for number in range(3):
                dicom(top / label / f"IM-{patient:04}-{number:04}", f"PAT{patient:03}", patient * 10 + number)
    return {"ill": 18, "well": 18}, 12


def dicom(path: Path, patient: str, number: int) -> None:
    """Write a CT slice as a scanner exports it: no suffix, the patient inside."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found = pydicom.dataset.FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    found.SOPClassUID, found.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    found.PatientID, found.StudyInstanceUID, found.PatientName = patient, generate_uid(), f"Name^{patient}"
    found.Rows = found.Columns = 24
    found.SamplesPerPixel, found.PhotometricInterpretation, found.PixelRepresentation = 1, "MONOCHROME2", 0
    found.BitsAllocated, found.BitsStored, found.HighBit = 16, 12, 11
    pixels = np.random.default_rng(number).integers(0, 4096, (24, 24), dtype=np.uint16)
    found.PixelData = pixels.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    found.save_as(path, enforce_file_format=True)


def messidor(top: Path) -> Truth:
    rows = [(f"200510{20 + number % 3}_{43800 + number * 3}_0100_PP.png", number % 4, 0, 1) for number in range(48)]
    for number, (name, *_) in enumerate(rows):
        picture(top / "IMAGES" / name, number)
    table(top / "messidor_data.csv", "id_code,diagnosis,adjudicated_dme,adjudicated_gradable", rows)
    return {str(grade): 12 for grade in range(4)}, 0


def hash_of(word: str) -> int:
    """Make a number of a word that is the same in every process."""
    return sum(ord(letter) * 97**place for place, letter in enumerate(word)) % 10**6
