"""The public data sets that a layout exists for; docs/data-sets.md says where they come from and how they are read."""

from typing import NamedTuple


class Known(NamedTuple):
    """A public data set, by the layout that reads it; `folds`: whether it ships parts of its own."""

    layout: str
    title: str
    classes: frozenset[str]
    folds: bool


KNOWN = (
    Known("blood_cells", "Blood Cells", frozenset({"EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL"}), folds=True),
    Known("chest_xray", "Chest X-Ray Images (Pneumonia)", frozenset({"NORMAL", "PNEUMONIA"}), folds=True),
    Known("covid_ct", "COVID-CT", frozenset({"CT_COVID", "CT_NonCOVID"}), folds=True),
    Known("malaria", "Malaria Cell Images", frozenset({"Parasitized", "Uninfected"}), folds=False),
)
