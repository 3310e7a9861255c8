"""Two class folders of single red blood cells; the patient is read from the start of each file name.

Names are C<n>P<m>ThinF_IMG_<date>_<time>_cell_<k>.png with many variations. Patients without a parasite are often
C<n> alone (C206ThinF_..., C7NthinF_...), one is C37BP2, and some names repeat the class: ParasitizedC101P62ThinF_....
No C<n> occurs with two different P<m>.
"""

import re
from dataclasses import replace

from src.core.errors import AssayError
from src.download.layouts import Known
from src.download.layouts.folders import read_class_folders
from src.download.manifest import Entry
from src.download.scan import Listing

KNOWN = Known("Malaria Cell Images", frozenset({"Parasitized", "Uninfected"}), folds=False)
_NAME = re.compile(r"(?:Parasitized|Uninfected)?(C\d+(?:[A-Z]?P\d+)?)", re.IGNORECASE)


def read(files: Listing) -> list[Entry]:
    """Read the label from the folder and the patient from the file name.

    Raises:
        AssayError: images lie outside of class folders, or a name does not start with a patient.
    """
    return [replace(entry, group=_patient(entry.path, files.where)) for entry in read_class_folders(files)]


def _patient(path: str, where: str) -> str:
    match = _NAME.match(path.rpartition("/")[2])
    if match is None:
        raise AssayError(f"{where}: expected file names that start with the patient, C<n>P<m>, found {path}")
    return match[1].upper()
