"""The page: an upload area, a card for each image, a line for each file that is not an image, and the model."""

import base64
import io
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from jinja2 import Environment, StrictUndefined
from PIL import Image

from src.core import redact
from src.evaluate import cam_overlay
from src.evaluate.report_warnings import WORDS
from src.export.bundle import shown_scores
from src.export.predictor import CAM, FLAT, UNLIKE, Prediction, Predictor, Source, Unreadable
from src.images.pixels import Pixels
from src.metrics.predictions import Floats
from src.predict.__main__ import find

TEMPLATE = Path(__file__).with_name("page.html.j2")
SCALE = 256  # pixels of the scale of colours
MAX_FILES = 50  # dropped at once
MAX_IMAGES = 50  # predicted at once, those in archives included
MAX_UNPACKED_GB = 2.0  # of an archive
PREDICTED = "the predicted class"
OPACITY = 60  # percent, of the heat map at first
# The browser itself blends image and heat map: moving the slider sends nothing to the server.
MIX = "(percent) => document.documentElement.style.setProperty('--heat', percent / 100)"
# On a phone the answers stand below the controls, out of sight.
SHOW = "() => matchMedia('(max-width: 56rem)').matches && document.getElementById('answers').scrollIntoView()"
Answer = Prediction | Unreadable


def build(predictor: Predictor) -> gr.Blocks:
    """Return the page of a bundle."""
    about = predictor.about
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    parts = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).module
    title = " or ".join(reversed(about.classes)) if about.positive else "Which class?"
    how = "Class activation map" if CAM in predictor.outputs else "Occlusion map"
    scale = _picture(_coloured(np.linspace(0, 1, SCALE)[None]))
    classes = [(PREDICTED, ""), *((name, name) for name in about.classes)]
    kept = {"delete_cache": (600, 3600)}  # seconds: what was uploaded but never predicted goes after an hour

    def part(name: str, *values: object) -> str:
        return str(getattr(parts, name)(*values))

    with gr.Blocks(title=title, analytics_enabled=False, **kept) as page:
        gr.HTML(part("head", title, about, sum(each.level == "bad" for each in about.warnings)))
        with gr.Row(elem_id="body"):
            with gr.Column(scale=1, min_width=280, elem_id="ask"):
                files = gr.File(file_count="multiple", label="Images, an archive, or DICOM files", height=190)
                label = gr.Dropdown(classes, value="", label="Heat map: what speaks for")
                opacity = gr.Slider(0, 100, OPACITY, step=5, label="Heat map: opacity in percent")
                gr.HTML(part("legend", scale, cam_overlay.LOWEST, how))
            with gr.Column(scale=2, min_width=280):
                shown = gr.HTML(part("none_yet", about), elem_id="answers")
        gr.HTML(part("model", about, shown_scores(about), WORDS))
        state = gr.State(list[Answer]())

        def again(answers: list[Answer], chosen: str) -> str:
            if not answers:
                return part("none_yet", about)
            failed = [each for each in answers if isinstance(each, Unreadable)]
            found = [each for each in answers if isinstance(each, Prediction)]
            cards = [part("answer", each, about, *_drawn(predictor, each, chosen or each.label)) for each in found]
            return part("answers", cards, failed)

        def ask(found: list[str], chosen: str, progress: gr.Progress = gr.Progress()) -> tuple[str, list[Answer], None]:  # noqa: B008
            answers = answer(predictor, found or [], progress)
            return again(answers, chosen), answers, None

        private: dict[str, Any] = {"api_visibility": "private", "show_progress_on": shown}
        asked = files.upload(ask, [files, label], [shown, state, files], **private)
        asked.then(None, js=SHOW, api_visibility="private")
        label.input(again, [state, label], shown, **private)
        opacity.change(None, opacity, js=MIX, api_visibility="private")
    return page


def answer(predictor: Predictor, files: list[str], progress: Any = None) -> list[Answer]:
    """Predict uploaded files in order, and remove them.

    A problem with a file becomes a line about it, not an exception.
    """
    try:
        with ExitStack() as held:
            found = [each for file in files[:MAX_FILES] for each in _images(file, held)]
            asked = found[:MAX_IMAGES]
            results = predictor.predict_all(asked)
            answers = list(progress.tqdm(results, total=len(asked), unit="images") if progress is not None else results)
    finally:
        for file in files:
            shutil.rmtree(Path(file).parent, ignore_errors=True)
    return answers + _left_out(len(files), "files", MAX_FILES) + _left_out(len(found), "images", MAX_IMAGES)


def _images(file: str, held: ExitStack) -> list[Source | Unreadable]:
    """Return the images of an uploaded file, under the names that the visitor knows."""

    def plain(text: str) -> str:
        return redact.control(text.replace(f"{Path(file).parent}/", ""))

    return [
        Source(plain(each.name), each.path)
        if isinstance(each, Source)
        else Unreadable(plain(each.name), plain(each.reason))
        for each in find([file], held, MAX_UNPACKED_GB)
    ]


def _left_out(count: int, what: str, most: int) -> list[Answer]:
    reason = f"at most {most} at once; `python -m src.predict` has no limit"
    return [Unreadable(f"{count - most} more {what}", reason)] if count > most else []


def _drawn(predictor: Predictor, found: Prediction, label: str) -> tuple[str, dict[str, str], dict[str, bool]]:
    """Return the class whose heat map is shown, the pictures, and the flags of an answer."""
    heat = predictor.heat(found, label)
    pictures = {"image": _picture(found.image), "heat": _picture(_coloured(heat)) if heat.any() else ""}
    return label, pictures, {"unlike": UNLIKE in found.flags, "flat": FLAT in found.flags}


def _coloured(heat: Floats) -> Pixels:
    """Colour a map (H, W) of [0, 1] as RGBA (H, W, 4), transparent where nothing is shown."""
    return np.dstack([cam_overlay.colour(heat), 255 * cam_overlay.shown(heat).astype(np.uint8)])


def _picture(pixels: Pixels) -> str:
    """Return pixels (H, W, C) as a data URL of a PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
