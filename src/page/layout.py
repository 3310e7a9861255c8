"""The page: where images are dropped, what is shown of the heat maps, the answers, the model."""

import logging
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import gradio as gr

from src.core import redact
from src.export.predictor import Prediction, Predictor, Source, Unreadable
from src.page import answer_cards
from src.predict import inputs

log = logging.getLogger(__name__)
MAX_FILES = 50  # dropped at once
MAX_IMAGES = 50  # answered at once, archives searched
MAX_UNPACKED_GB = 2.0  # of an archive
PREDICTED = "the predicted class"
OPACITY = 60  # percent, of the heat map at first
# The browser alone mixes image and heat map: the slider asks the server nothing.
MIX = "(percent) => document.documentElement.style.setProperty('--heat', percent / 100)"
# On a phone the answers stand below the controls, out of sight.
SHOW = "() => matchMedia('(max-width: 56rem)').matches && document.getElementById('answers').scrollIntoView()"
Answer = Prediction | Unreadable


def build(predictor: Predictor) -> gr.Blocks:
    """Return the page of a bundle."""
    cards = answer_cards.Cards(predictor)
    classes = [(PREDICTED, ""), *((name, name) for name in predictor.about.classes)]
    kept = {"delete_cache": (600, 3600)}  # seconds: what was uploaded and never asked about goes after an hour
    with gr.Blocks(title=cards.title, analytics_enabled=False, **kept) as page:
        gr.HTML(cards.head())
        with gr.Row(elem_id="body"):
            with gr.Column(scale=1, min_width=280, elem_id="ask"):
                files = gr.File(file_count="multiple", label="Images, an archive, or DICOM files", height=190)
                label = gr.Dropdown(classes, value="", label="Heat map: what speaks for")
                opacity = gr.Slider(0, 100, OPACITY, step=5, label="Heat map: opacity in percent")
                gr.HTML(cards.legend())
            with gr.Column(scale=2, min_width=280):
                shown = gr.HTML(cards.none_yet(), elem_id="answers")
        gr.HTML(cards.model())
        state = gr.State(list[Answer]())

        def ask(found: list[str], chosen: str, progress: gr.Progress = gr.Progress()) -> tuple[str, list[Answer], None]:  # noqa: B008
            answers = answer(predictor, found or [], progress)
            return cards.answers(answers, chosen or None), answers, None

        def again(answers: list[Answer], chosen: str) -> str:
            return cards.answers(answers, chosen or None) if answers else cards.none_yet()

        private: dict[str, Any] = {"api_visibility": "private", "show_progress_on": shown}
        asked = files.upload(ask, [files, label], [shown, state, files], **private)
        asked.then(None, js=SHOW, api_visibility="private")
        label.input(again, [state, label], shown, **private)
        opacity.change(None, opacity, js=MIX, api_visibility="private")
    return page


def answer(predictor: Predictor, files: list[str], progress: Any = None) -> list[Answer]:
    """Answer for uploaded files in their order, and remove them.

    Whatever is wrong with a file becomes a line about it.
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
    """Find the images of an uploaded file, called as the visitor calls it."""

    def plain(text: str) -> str:
        return redact.control(text.replace(f"{Path(file).parent}/", ""))

    return [
        Source(plain(each.name), each.path)
        if isinstance(each, Source)
        else Unreadable(plain(each.name), plain(each.reason))
        for each in inputs.find([file], held, MAX_UNPACKED_GB)
    ]


def _left_out(count: int, what: str, most: int) -> list[Answer]:
    reason = f"at most {most} at once; `python -m src.predict` has no limit"
    return [Unreadable(f"{count - most} more {what}", reason)] if count > most else []
