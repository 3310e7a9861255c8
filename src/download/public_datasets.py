"""What is known about public data sets that a layout exists for."""

import textwrap
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """A public data set; `layout` is what dataset.layout is set to for it."""

    layout: str
    title: str
    kaggle: str
    original: str
    licence: str
    classes: tuple[str, ...]
    citation: str
    groups: str
    folds: str
    defects: tuple[str, ...]


KNOWN = (
    Known(
        layout="blood_cells",
        title="Blood Cells: microscope images of white blood cells of four types, augmented",
        kaggle="paultimothymooney/blood-cells",
        original="https://github.com/Shenggan/BCCD_Dataset (the slides)",
        licence="MIT for the slides, says the original; not stated here for the augmented images, see Kaggle",
        classes=("EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL"),
        citation=(
            "Mooney P. Blood Cell Images. Kaggle, 2018. Slides: BCCD Dataset, with data and annotations of cosmicad "
            "and akshaylamba."
        ),
        groups="not known: no file name tells the slide; see the first defect",
        folds="train and test from the folders TRAIN and TEST, which share no slide; no val",
        defects=(
            "the images are augmented copies of 348 slides, and the number in _<n>_<m>.jpeg is not the slide: "
            "a random split leaks",
            "TEST_SIMPLE holds the 71 slides of TEST as they were taken: left out, or TEST would count them twice",
            "dataset-master, 366 slides with boxes in VOC XML for 343 of them, is for detection: left out",
            "labels.csv has 44 of 411 slides with no label, 15 with several, three with a fifth one, BASOPHIL; "
            "counts.csv beside the manifest counts those with one",
            "classes of equal size were made from 88, 33, 20 and 207 slides: a monocyte is copied more often",
        ),
    ),
    Known(
        layout="chest_xray",
        title="Chest X-Ray Images (Pneumonia): children of one to five years, from Guangzhou",
        kaggle="paultimothymooney/chest-xray-pneumonia",
        original="https://data.mendeley.com/datasets/rscbjbr9sj/2",
        licence="CC BY 4.0",
        classes=("NORMAL", "PNEUMONIA"),
        citation=(
            "Kermany DS, Goldbaum M, Cai W, et al. Identifying medical diagnoses and treatable diseases by image-based "
            "deep learning. Cell 172(5):1122-1131, 2018. Data: doi:10.17632/rscbjbr9sj.2"
        ),
        groups="the patient from the file name: person<ID>, or the stem IM-<n> or NORMAL2-IM-<n>",
        folds=(
            "test from the folder test; train from train and val, whose 16 images are too few to choose a model by: "
            "split.folds: respect makes a val part from train, by patient"
        ),
        defects=(
            "the two kinds of pneumonia seem to count patients each from 1: an ID of the test part that stands in "
            "train too, always with the other kind, is two groups, person<ID>_bacteria and person<ID>_virus",
            "about 30 exact duplicates, each within one class",
            "three images of PNEUMONIA for one of NORMAL in train, five for three in test",
            "sizes are mixed",
            "junk of macOS, and on Kaggle a nested copy of the whole, are left out",
        ),
    ),
    Known(
        layout="covid_ct",
        title="COVID-CT: CT slices with and without findings of COVID-19, from articles and preprints",
        kaggle="",
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
            "size, channels, format and bytes per pixel alone tell the class with AUC 0.92 to 0.97 on the test part",
            "two test images of CT_COVID are near copies of train images of CT_NonCOVID",
            "grey levels are those of printed figures: Hounsfield units are lost",
        ),
    ),
    Known(
        layout="malaria",
        title="Malaria Cell Images: single red blood cells from thin blood smears",
        kaggle="iarunava/cell-images-for-detecting-malaria",
        original="https://lhncbc.nlm.nih.gov/LHC-downloads/downloads.html#malaria-datasets",
        licence="not stated here; see the original",
        classes=("Parasitized", "Uninfected"),
        citation=(
            "Rajaraman S, Antani SK, Poostchi M, et al. Pre-trained convolutional neural networks as feature "
            "extractors toward improved malaria parasite detection in thin blood smear images. PeerJ 6:e4568, 2018."
        ),
        groups="the patient from the start of the file name, C<n>P<m>; C<n> alone for some of the healthy",
        folds="none",
        defects=(
            "the whole stands once more in the nested folder cell_images: left out, or every image leaks",
            "Thumbs.db in the class folders: left out",
            "some names repeat the class before the patient, ParasitizedC101P62ThinF_...: read all the same",
            "about half of the patients have cells of one class only, so stain and camera tell something of the class",
        ),
    ),
)


def describe(known: Known) -> str:
    """Describe a data set in lines of at most 100 letters."""
    rows = {
        "source": known.original,
        "kaggle": f"dataset.source: kaggle:{known.kaggle}" if known.kaggle else "",
        "licence": known.licence,
        "classes": ", ".join(known.classes),
        "groups": known.groups,
        "folds": known.folds,
        "defects": "; ".join(known.defects),
        "cite": known.citation,
    }
    lines = [f"{known.layout}: {known.title}"]
    for name, text in ((name, text) for name, text in rows.items() if text):
        lines += textwrap.wrap(
            text,
            100,
            initial_indent=f"  {name:<9}",
            subsequent_indent=" " * 11,
            break_on_hyphens=False,
            break_long_words=False,
        )
    return "\n".join(lines)
