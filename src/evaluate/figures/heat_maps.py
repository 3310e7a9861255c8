"""Figures of class activation maps: image, map of the evidence for the predicted class, and both overlaid."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
from PIL import Image, ImageDraw

from src import plotting
from src.evaluate import cam_overlay
from src.evaluate.cam_overlay import CLASSES, Cams, Case
from src.evaluate.gallery import FigureEntry, Material
from src.images.contact_sheet import FONT_SIZE, INK, PAPER, Cell, sheet, typeface
from src.images.pixels import Pixels
from src.metrics.predictions import Floats, Scored

SIDE = 150
BAR = (40, 26, 240, 14)  # left, top, width and height of the scale
LEGEND_SIZE = (960, 72)
MEANING = (
    (320, 18),
    """how much a place speaks for the class named, as a share of the place that
speaks most in the same image; shares below 0.2 are left out;
in brackets the probability of the predicted class""",
)


def draw(scored: Scored, cams: Cams, kind: str) -> Pixels | None:
    """Draw a row of right and a row of wrong cases per class, and the colour scale; None without maps of `kind`."""
    if kind not in cams.maps or cams.images is None:
        return None
    lines: dict[tuple[int, bool], list[Pixels]] = {}
    for case, image, heat in zip(cams.cases, cams.images, cams.maps[kind], strict=True):
        lines.setdefault((case.true, case.right), []).append(_case(scored, case, image, heat))
    return _joined([_legend(), *(_joined(line, beside=True) for line in lines.values())])


def _case(scored: Scored, case: Case, image: Pixels, heat: Floats) -> Pixels:
    names = plotting.shorten_all(scored.classes, 16)
    predicted, probability = names[case.predicted], scored.probabilities[case.place, case.predicted]
    outcome = "right" if case.right else "wrong"
    title = f"{outcome}: true {names[case.true]},\npredicted {predicted} ({probability:.3f})"
    file = plotting.shorten(PurePosixPath(scored.paths[case.place]).stem, 30)
    scaled = cam_overlay.normalize(heat, (image.shape[0], image.shape[1]))
    speaks = f"speaks for {predicted}" if scaled.any() else f"nothing speaks for {predicted}"
    mixed = cam_overlay.overlay(image, scaled)
    cells = [Cell(np.asarray(image), file), Cell(cam_overlay.colour(scaled), speaks), Cell(mixed, "overlay")]
    return sheet([cells], title, SIDE)


def _joined(blocks: Sequence[Pixels], *, beside: bool = False) -> Pixels:
    """Join blocks vertically, or side by side, aligned at the bottom since captions differ in their number of lines."""
    most = max(block.shape[not beside] for block in blocks)
    grown = []
    for block in blocks:
        missing = most - block.shape[not beside]
        edges = [(missing, 0), (0, 0), (0, 0)] if beside else [(0, 0), (0, missing), (0, 0)]
        grown.append(np.pad(block, edges, constant_values=PAPER[0]))
    return np.concatenate(grown, axis=int(beside))


def _legend() -> Pixels:
    """Draw the colour scale with an explanation of its values."""
    left, top, width, height = BAR
    canvas = Image.new("RGB", LEGEND_SIZE, PAPER)
    pen, font = ImageDraw.Draw(canvas), typeface(FONT_SIZE)
    strip = np.tile(np.linspace(0, 1, width), (height, 1))
    canvas.paste(Image.fromarray(cam_overlay.colour(strip)), (left, top))
    for value in (0.0, cam_overlay.LOWEST, 1.0):
        place = left + round(value * (width - 1))
        pen.line((place, top + height, place, top + height + 4), INK)
        pen.text((place, top + height + 5), f"{value:g}", INK, font, anchor="ma")
    pen.multiline_text(*MEANING, INK, font)
    return np.asarray(canvas, dtype=np.uint8)


def _which(material: Material) -> str:
    """Return the part of the caption that says which cases are shown."""
    few = len(material.results.test.classes) <= CLASSES
    which = "each class" if few else f"the {CLASSES} classes with the most mistakes"
    return (
        f"the most confident right and wrong predictions of {which}; the right ones of a class are from different "
        "groups, and so are the wrong ones; above the images: true class, predicted class and its probability."
    )


def _entry(order: int, name: str, title: str, what: str) -> FigureEntry:
    return FigureEntry(
        order, name, title, lambda of: f"{what}: {_which(of)}", lambda of: draw(of.results.test, of.cams, name)
    )


FIGURES = (
    _entry(130, "cam", "Class activation maps", "Where the averaged feature maps speak for the predicted class"),
    _entry(140, "grad_cam", "Grad-CAM",
        "Where the last feature maps speak for the predicted class, by the gradient of its logit"),
    _entry(150, "hires_cam", "HiResCAM",
        "As Grad-CAM, but with the gradient at each place instead of its mean over the map, so that what a dense layer "
        "makes of each place is kept"),
)  # fmt: skip
