"""What a DICOM header says of its patient and device: the patient as a hash, sex, age by decade, manufacturer.

The hash keeps names and numbers out of all outputs. It does not make the data anonymous: anyone who knows how patients
are numbered can hash all numbers and compare.
"""

import logging
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from src.core.files import digest_of
from src.core.progress import track
from src.download import file_types
from src.download.manifest import Entry
from src.download.scan import Listing

log = logging.getLogger(__name__)
TAGS = ["PatientID", "StudyInstanceUID", "PatientSex", "PatientAge", "Manufacturer"]
START = 64 * 2**10  # bytes
DIGITS = 12  # hexadecimal digits of a hash: among a million patients, two collide with a probability of 0.2 %
AGE = re.compile(r"(\d{3})([DWMY])")  # DICOM PS3.5, section 6.2, value representation AS


class Patient(NamedTuple):
    """What is read from a file; "" for a missing value."""

    patient: str
    study: str
    extra: tuple[tuple[str, str], ...]


def add_patients(entries: Sequence[Entry], listing: Listing, most: int = sys.maxsize) -> list[Entry]:
    """Set the group of DICOM images without one to the hash of their PatientID, or else of their StudyInstanceUID.

    A PatientID that all files share was usually overwritten: then the studies are the groups, if there are several.
    most: how many files are read at most, evenly spread over all; the other entries stay as they are.
    """
    files = listing.files
    places = [place for place, entry in enumerate(entries) if file_types.is_dicom(entry.path, files[entry.path])]
    places = places[:: -(-len(places) // most) or 1]
    if not places:
        return list(entries)
    read = [_read(files[entries[place].path]) for place in track(places, len(places), "DICOM headers", "file")]
    patients, studies = ({one.patient for one in read} - {""}, {one.study for one in read} - {""})
    changed = list(entries)
    for place, one in zip(places, read, strict=True):
        entry = entries[place]
        study = f"study-{one.study}" if one.study and len(studies) > 1 else ""
        group = f"patient-{one.patient}" if one.patient and len(patients) > 1 else study
        known = {name for name, _ in entry.extra}
        extra = (*entry.extra, *(pair for pair in one.extra if pair[0] not in known))
        changed[place] = replace(entry, group=entry.group or group, extra=extra)
    if not any(entry.group for entry in entries):
        known_of = sum(bool(entry.group) for entry in changed)
        among = f" (read of {known_of:,} of {len(entries):,} files)" if known_of < len(entries) else ""
        listing.notes.groups = f"by the DICOM files, hashed{among}"
    if not all(entry.group for entry in entries):
        _say(len({changed[place].group for place in places} - {""}), len(places), len(patients))
    return changed


def _say(groups: int, files: int, patients: int) -> None:
    if groups:
        what = "PatientID" if patients > 1 else "StudyInstanceUID (as PatientID does not tell patients apart)"
        log.info("DICOM: %d groups of %d files by %s, hashed: no name or number is kept", groups, files, what)
    else:
        found = "one PatientID and one study" if patients else "neither PatientID nor several studies"
        log.warning("warning: DICOM: %s in all %d files, so patients are not known; "
                    "name them in a table, or set dataset.group_pattern", found, files)  # fmt: skip


def _read(path: Path) -> Patient:
    import pydicom  # 0.3 s, and most data sets hold no DICOM

    from src.images import dicom

    values = dict.fromkeys(TAGS, "")
    with suppress(Exception), path.open("rb") as file:  # pydicom raises a dozen kinds; preprocess reports damage
        if not dicom.is_deflated(file.read(START)):
            found = pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=TAGS)
            values = {tag: str(found.get(tag) or "").strip() for tag in TAGS}
    age, sex, maker = decade(values["PatientAge"]), values["PatientSex"], values["Manufacturer"]
    extra = (("sex", sex), ("age", age), ("manufacturer", maker))
    return Patient(_hashed(values["PatientID"]), _hashed(values["StudyInstanceUID"]), extra)


def _hashed(text: str) -> str:
    return digest_of(text)[:DIGITS] if text else ""


def decade(age: str) -> str:
    """Return the decade of an age in DICOM's format, with all from 90 on in one; "" if it is not an age.

    >>> decade("067Y"), decade("011M"), decade("093Y"), decade("67")
    ('60-69', '0-9', '90+', '')
    """
    match = AGE.fullmatch(age)
    if not match:
        return ""
    tens = int(match[1]) // 10 if match[2] == "Y" else int(match[1]) // (120 if match[2] == "M" else 3650)
    return "90+" if tens >= 9 else f"{10 * tens}-{10 * tens + 9}"
