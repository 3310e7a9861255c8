"""The page in a real browser: answers for what is dropped, nothing from another machine, no upload left behind."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import helpers_browser
from tests.conftest import ROOT
from tests.helpers_browser import PATIENCE, PHONE, WIDE
from tests.page import helpers

pytest.importorskip("gradio", reason="the page needs Gradio, an extra")
pytestmark = [pytest.mark.slow, helpers_browser.needed]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Run the command for all tests of this module, its temporary files below a folder of their own."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "tmp").mkdir()
    images = helpers.write_images(folder / "images")
    made = helpers.write(folder / "bundle")
    command = [sys.executable, "-m", "src.page", "--model", str(made.folder), "--port", "0"]
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(folder / "tmp"), "HOME": str(folder)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[0]
        yield SimpleNamespace(address=address, folder=folder, images=images, process=process, model=made.folder)
        process.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with helpers_browser.started() as opened:
        yield opened


@pytest.fixture
def visit(served: SimpleNamespace, browser: Any) -> Iterator[Any]:
    """Give a function that opens the page in a window of a size; all that it asks for is from this machine."""
    asked: list[str] = []
    contexts = []

    def opened(size: tuple[int, int] = WIDE) -> Any:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(served.address)
        page.wait_for_selector(".none-yet")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((served.address, "data:", "blob:"))] == []


def drop(page: Any, *files: Path) -> None:
    page.set_input_files("input[type=file]", [str(file) for file in files])
    page.wait_for_selector(".answer, .failed")


def test_each_image_and_each_bad_file_of_files_and_archives_gets_its_place(served: SimpleNamespace, visit: Any) -> None:
    from tests.images.test_dicom import write as write_dicom

    mixed = served.folder / "mixed"
    bad = [mixed / "notes<b>.png", mixed / "empty.jpg", mixed / "broken.zip", mixed / "paper.pdf"]
    mixed.mkdir()
    for file in bad:
        file.write_bytes(b"" if file.stem == "empty" else b"PK\x03\x04 not what it is called")
    shutil.make_archive(str(mixed / "slices"), "zip", served.folder / "images")
    slice_ = write_dicom(mixed / "IM0001", np.arange(32 * 32, dtype=np.int16).reshape(32, 32))
    page = visit()
    drop(page, slice_, *bad, mixed / "slices.zip", served.images[0])
    assert page.locator(".answer h2").all_inner_texts() == [
        "IM0001",
        *(f"slices.zip/{image.name}" for image in served.images),
        served.images[0].name,
    ]
    lines = page.locator(".failed li").all_inner_texts()
    assert [line.split(":")[0] for line in lines] == ["notesb.png", "empty.jpg", "broken.zip", "paper.pdf"]
    text = page.inner_text("body")
    assert "Traceback" not in text
    assert str(served.folder) not in text


def test_what_is_shown_is_what_src_predict_says(served: SimpleNamespace, visit: Any) -> None:
    from src.export import load

    page = visit()
    drop(page, *served.images)
    for number, image in enumerate(served.images):
        expected = load(served.model).predict(image)
        card = page.locator(".answer").nth(number)
        assert card.locator(".class").inner_text().split()[-1] == expected.label
        assert card.locator(".value").inner_text() == f"{expected.probability:.3f}"
        assert card.locator(".cut-label").inner_text() == "threshold 0.400"
        track, dot = card.locator(".track").bounding_box(), card.locator(".dot").bounding_box()
        assert (dot["x"] + dot["width"] / 2 - track["x"]) / track["width"] == pytest.approx(
            expected.probability, abs=0.01
        )
        assert card.locator(".flag").count() == len(expected.flags)


def test_an_image_of_another_kind_is_flagged(served: SimpleNamespace, visit: Any) -> None:
    noise = served.folder / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(256, size=(64, 64), dtype=np.uint8)).save(noise)
    page = visit()
    drop(page, noise)
    assert "Unlike the training images" in page.inner_text(".answer.unlike .flag")


def test_the_slider_mixes_and_the_menu_chooses_the_class(served: SimpleNamespace, visit: Any) -> None:
    page = visit()
    drop(page, served.images[0])
    heat = "getComputedStyle(document.querySelector('.heat')).opacity"
    assert page.evaluate(heat) == "0.6"
    page.locator("input[type=range]").focus()
    page.keyboard.press("Home")
    page.wait_for_function(f"{heat} === '0'")
    other = next(name for name in helpers.CLASSES if name != page.inner_text(".class").split()[-1])
    before = page.get_attribute(".heat", "src")
    page.get_by_label("Heat map: what speaks for").click()
    page.get_by_role("option", name=other).click()
    page.wait_for_function(f"document.querySelectorAll('figcaption')[2].innerText.endsWith('{other}')")
    assert page.get_attribute(".heat", "src") != before


def tab_to(page: Any, label: str) -> None:
    """Press Tab until what is called so has the focus."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if label in page.evaluate("document.activeElement.getAttribute('aria-label') || ''"):
            return
    pytest.fail(f"Tab does not lead to {label}")


def test_the_keyboard_alone_does_it(served: SimpleNamespace, visit: Any) -> None:
    page = visit()
    tab_to(page, "Click to upload")
    chosen: list[Any] = []
    page.on("filechooser", lambda chooser: chosen.append(chooser))
    for _ in range(30):  # the button is there before its script is
        page.keyboard.press("Enter")
        page.wait_for_timeout(1000)
        if chosen:
            break
    chosen[0].set_files(str(served.images[0]))
    page.wait_for_selector(".answer")
    predicted = page.inner_text(".class").split()[-1]
    tab_to(page, "what speaks for")
    for _ in range(1 + (predicted == helpers.CLASSES[0])):  # the predicted class stands first, then the classes
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    other = helpers.CLASSES[predicted == helpers.CLASSES[0]]
    page.wait_for_function(f"document.querySelectorAll('figcaption')[2].innerText.endsWith('{other}')")
    tab_to(page, "range slider")
    page.keyboard.press("End")
    page.wait_for_function("getComputedStyle(document.querySelector('.heat')).opacity === '1'")


def test_a_phone_needs_no_sideways_scrolling(served: SimpleNamespace, visit: Any) -> None:
    page = visit(PHONE)
    long = served.folder / f"{'a_very_long_name_' * 8}.png"
    shutil.copy(served.images[0], long)
    drop(page, long, served.images[1])
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    parts = "[...document.querySelectorAll('.answer *, .model *, .head *')]"
    assert page.evaluate(f"Math.max(...{parts}.map(each => each.getBoundingClientRect().right))") <= PHONE[0]


def test_scores_warnings_and_what_it_is_not_are_there_from_the_start(visit: Any) -> None:
    page = visit()
    text = page.inner_text("body")
    assert "Not a medical device." in text
    assert re.search(r"ROC AUC\s+0\.900\s+0\.800 to 0\.950", text)
    assert "95 % intervals" in text
    assert f"Danger: {helpers.DANGER}" in text


def test_too_much_at_once_and_other_names_for_this_machine_are_refused(served: SimpleNamespace) -> None:
    host, port = served.address.removeprefix("http://").split(":")
    for header, status in (({"Content-Length": str(10**10)}, 413), ({"Host": "evil.example"}, 400)):
        connection = HTTPConnection(host, int(port), timeout=60)
        connection.putrequest("POST", "/gradio_api/upload", skip_host="Host" in header)
        for name, value in header.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == status
        connection.close()


def test_no_upload_stays_after_the_answer_and_nothing_after_the_end(served: SimpleNamespace, visit: Any) -> None:
    page = visit()
    drop(page, *served.images)
    (private,) = (served.folder / "tmp").glob("assay-page-*")
    assert private.stat().st_mode & 0o077 == 0
    assert [path for path in private.rglob("*") if path.is_file() and path.stat().st_size] == []
    served.process.send_signal(signal.SIGINT)  # the page is still open, its connection too
    assert served.process.wait(30) == 0
    assert not private.exists()
