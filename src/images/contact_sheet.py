"""Contact sheets: a table of captioned images as one picture, drawn without matplotlib (1.2 s to import)."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from src.core.files import replacing
from src.images.pixels import Pixels

GAP = 12  # pixels between cells and around the sheet
LINE = 16  # height of a caption line in pixels
FONT_SIZE = 12
TITLE_SIZE = 18
PARAGRAPH_LINES = 2
PAPER, INK, FRAME = (255, 255, 255), (32, 32, 32), (200, 200, 200)


class Cell(NamedTuple):
    """An image, uint8 (H, W), (H, W, 1) or (H, W, 3) RGB of any size, and the text above or below it."""

    image: Pixels
    caption: str


def sheet(rows: Sequence[Sequence[Cell]], title: str = "", side: int = 200, *, below: bool = False) -> Pixels:
    """Draw rows of cells, each image fitted into a square of `side` pixels with its aspect ratio kept.

    Captions are above the images or, if `below` is set, below them.
    A line feed starts a new paragraph of a caption; … replaces the middle of a paragraph longer than two lines.

    Returns:
        uint8 (H, W, 3) RGB; the same cells give the same pixels.
    """
    font, large = typeface(FONT_SIZE), typeface(TITLE_SIZE)
    texts = [[_wrap(cell.caption, side, font) for cell in row] for row in rows]
    heights = [LINE * max((len(lines) for lines in row), default=0) for row in texts]
    header = _wrap(title, max(_width(rows, side) - 2 * GAP, side), large)
    top = GAP + len(header) * (TITLE_SIZE + 6)
    total = top + sum(height + side + GAP for height in heights)
    canvas = Image.new("RGB", (_width(rows, side), max(total, 2 * GAP)), PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.multiline_text((GAP, GAP - 4), "\n".join(header), INK, large)
    for row, texts_of, height in zip(rows, texts, heights, strict=True):
        for column, (cell, lines) in enumerate(zip(row, texts_of, strict=True)):
            left = GAP + column * (side + GAP)
            picture, words = (top, top + side + 2) if below else (top + height, top + height - LINE * len(lines))
            for number, line in enumerate(lines):
                pen.text((left, words + LINE * number), line, INK, font)
            _place(canvas, pen, cell.image, (left, picture), side)
        top += height + side + GAP
    return np.asarray(canvas, dtype=np.uint8)


def write_sheet(path: Path, rows: Sequence[Sequence[Cell]], title: str = "", side: int = 200) -> None:
    """Write a sheet as PNG, atomically; the same cells give the same bytes."""
    _, content = cv2.imencode(".png", cv2.cvtColor(sheet(rows, title, side), cv2.COLOR_RGB2BGR))
    with replacing(path) as temporary:
        temporary.write_bytes(content.tobytes())


def fit(image: Pixels, side: int) -> Pixels:
    """Scale an image so that its longer side is `side` pixels; return it as RGB uint8 (H, W, 3)."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    scaled = cv2.resize(image, shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    colored = cv2.cvtColor(scaled, cv2.COLOR_GRAY2RGB) if scaled.ndim == 2 or scaled.shape[2] == 1 else scaled
    return np.asarray(colored, dtype=np.uint8)


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _width(rows: Sequence[Sequence[Cell]], side: int) -> int:
    return GAP + max((len(row) for row in rows), default=1) * (side + GAP)


def _place(canvas: Image.Image, pen: ImageDraw.ImageDraw, image: Pixels, corner: tuple[int, int], side: int) -> None:
    """Paste an image into the centre of its square and draw the frame."""
    left, top = corner
    picture = Image.fromarray(fit(image, side))
    canvas.paste(picture, (left + (side - picture.width) // 2, top + (side - picture.height) // 2))
    pen.rectangle((left - 1, top - 1, left + side, top + side), outline=FRAME)


def _wrap(text: str, width: int, font: Font) -> list[str]:
    """Break each paragraph into at most two lines no wider than `width` pixels; "…" replaces the middle if needed."""
    wrapped: list[str] = []
    for paragraph in text.split("\n") if text else ():
        lines = list(_break(paragraph, width, font))
        keep = min(len(paragraph), PARAGRAPH_LINES * len(lines[0])) if lines else 0
        while len(lines) > PARAGRAPH_LINES:
            keep -= 1
            head = (keep + 1) // 2
            lines = list(_break(paragraph[:head] + "…" + paragraph[len(paragraph) - keep + head :], width, font))
        wrapped += lines
    return wrapped


def _break(text: str, width: int, font: Font) -> Iterator[str]:
    """Break at the last space that leaves a line at least half full, otherwise anywhere, as in file names."""
    while text:
        ends = range(1, min(len(text), width) + 1)  # no character is narrower than a pixel
        end = max(1, bisect_right(ends, float(width), key=lambda end: font.getlength(text[:end])))
        space = text.rfind(" ", end // 2, end + 1) if end < len(text) else -1
        end = space if space > 0 else end
        yield text[:end]
        text = text[end:].lstrip(" ")


@lru_cache
def typeface(size: int) -> Font:
    """Load DejaVu Sans from matplotlib's files without importing it: Pillow's font lacks accents and arrows."""
    package = find_spec("matplotlib")
    if package is None or package.origin is None:
        return ImageFont.load_default(size)
    file = Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)
