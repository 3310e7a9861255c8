"""What is known about public data sets that a layout exists for."""

import textwrap
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """A public data set; `layout` is what dataset.layout is set to for it."""

    layout: str
    title: str
    original: str
    licence: str
    classes: tuple[str, ...]
    citation: str
    groups: str
    folds: str
    defects: tuple[str, ...]


KNOWN = (
    Known(
        layout="covid_ct",
        title="COVID-CT: CT slices with and without findings of COVID-19, from articles and preprints",
        original="https://github.com/UCSD-AI4H/COVID-CT",
        licence="not known for the images, which are figures of publications; see there",
        classes=("CT_COVID", "CT_NonCOVID"),
        citation=(
            "Yang X, He X, Zhao J, Zhang Y, Zhang S, Xie P. COVID-CT-Dataset: a CT scan dataset about COVID-19. "
            "arXiv:2003.13865, 2020."
        ),
        groups="the patient, from patients.csv, stray spaces stripped",
        folds="the official split, from patients.csv; no patient is in two of them",
        defects=(
            "RGBA, L and RGB are mixed, the width ranges from 115 to 1671 pixels",
            "width, height, channels, format and bytes per pixel alone tell the class with AUC 0.97 on the test part",
            "two test images of CT_COVID are near copies of train images of CT_NonCOVID",
            "grey levels are those of printed figures: Hounsfield units are lost",
        ),
    ),
)


def describe(known: Known) -> str:
    """Describe a data set in lines of at most 100 letters."""
    rows = {
        "source": known.original,
        "licence": known.licence,
        "classes": ", ".join(known.classes),
        "groups": known.groups,
        "folds": known.folds,
        "defects": "; ".join(known.defects),
        "cite": known.citation,
    }
    lines = [f"{known.layout}: {known.title}"]
    for name, text in rows.items():
        lines += textwrap.wrap(
            text, 100, initial_indent=f"  {name:<9}", subsequent_indent=" " * 11, break_on_hyphens=False
        )
    return "\n".join(lines)
