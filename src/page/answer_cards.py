"""What the page shows, as HTML: a card for each image, a line for each file that is none, and the model."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jinja2 import Environment, StrictUndefined
from PIL import Image

from src.evaluate.cam import overlay
from src.evaluate.report_warnings import WORDS
from src.export import card
from src.export.predictor import CAM, FLAT, UNLIKE, Prediction, Predictor, Unreadable
from src.images.pixels import Pixels
from src.metrics.scored import Floats

TEMPLATE = Path(__file__).with_name("page.html.j2")
SCALE = 256  # pixels of the scale of colours


class Cards:
    """The parts of the page of one bundle."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._about = predictor.about
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._parts = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).module
        self.title = " or ".join(reversed(self._about.classes)) if self._about.positive else "Which class?"

    def head(self) -> str:
        """Return what the network decides, and what it must not be used for."""
        return self._part("head", self.title, self._about, sum(each.level == "bad" for each in self._about.warnings))

    def none_yet(self) -> str:
        """Return what stands in the place of the answers at first."""
        return self._part("none_yet", self._about)

    def legend(self) -> str:
        """Return the scale of colours of the heat maps, and how these are made."""
        values = np.linspace(0, 1, SCALE)[None]
        how = "Class activation map" if CAM in self._predictor.outputs else "Map of occlusion"
        return self._part("legend", _picture(_coloured(values)), overlay.LOWEST, how)

    def model(self) -> str:
        """Return the scores with their intervals, and the warnings."""
        return self._part("model", self._about, card.scores(self._about), WORDS)

    def answers(self, found: Sequence[Prediction | Unreadable], label: str | None) -> str:
        """Return the answers, each with the heat map of a class, else of the predicted one."""
        failed = [each for each in found if isinstance(each, Unreadable)]
        shown = [self._answer(each, label) for each in found if isinstance(each, Prediction)]
        return self._part("answers", shown, failed)

    def _answer(self, found: Prediction, label: str | None) -> str:
        heat = self._predictor.heat(found, label)
        pictures = {"image": _picture(found.image), "heat": _picture(_coloured(heat)) if heat.any() else ""}
        flags = {"unlike": UNLIKE in found.flags, "flat": FLAT in found.flags}
        return self._part("answer", found, self._about, label or found.label, pictures, flags)

    def _part(self, name: str, *values: object) -> str:
        return str(getattr(self._parts, name)(*values))


def _coloured(heat: Floats) -> Pixels:
    """Colour a map (H, W) of [0, 1] as RGBA (H, W, 4), clear where it is left out."""
    return np.dstack([overlay.colour(heat), 255 * overlay.shown(heat).astype(np.uint8)])


def _picture(pixels: Pixels) -> str:
    """Return pixels (H, W, C) as the address of a PNG that holds them itself."""
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
