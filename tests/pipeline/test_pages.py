"""What a person looks at after `make repro`, in a real browser: the report on screens and paper, the table of runs."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests import helpers_browser
from tests.helpers_browser import PATIENCE, PHONE, WIDE
from tests.pipeline.conftest import Project

pytestmark = [pytest.mark.slow, helpers_browser.needed]
PAPER = (794, 1123)  # A4 in pixels
PAGES = 8  # at most
READABLE = 4.5  # contrast of text, WCAG 2.1 AA
# What stands below one another: no block begins before the one above it ends.
OVERLAPS = """() => {
    const blocks = [...document.querySelectorAll('h1, h2, h3, p, table, figure, figure img, ul, dl, details')]
        .filter(block => block.checkVisibility() && block.getClientRects().length)
        .filter(block => !['absolute', 'fixed'].includes(getComputedStyle(block).position));
    const boxes = blocks.map(block => block.getBoundingClientRect());
    const found = [];
    blocks.forEach((block, one) => blocks.forEach((other, two) => {
        if (one >= two || block.contains(other) || other.contains(block)) return;
        const [a, b] = [boxes[one], boxes[two]];
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 2 && high > 2) found.push(block.textContent.slice(0, 40) + ' / ' + other.textContent.slice(0, 40));
    }));
    return found;
}"""
CONTRASTS = """() => {
    const level = color => color.map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    const light = color => { const [r, g, b] = level(color); return .2126 * r + .7152 * g + .0722 * b; };
    const parsed = text => text.match(/[\\d.]+/g).map(Number);
    const behind = block => {
        for (; block; block = block.parentElement) {
            const color = parsed(getComputedStyle(block).backgroundColor);
            if (color.length < 4 || color[3] === 1) return color.slice(0, 3);
        }
        return [255, 255, 255];
    };
    return [...document.querySelectorAll('p, td, th, h1, h2, dt, dd, figcaption')].filter(block => block.innerText)
        .map(block => {
            const pair = [light(parsed(getComputedStyle(block).color).slice(0, 3)), light(behind(block))].sort();
            return [(pair[1] + .05) / (pair[0] + .05), block.innerText.slice(0, 40)];
        });
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with helpers_browser.started() as opened:
        yield opened


@pytest.fixture
def report(reproduced: Project, browser: Any) -> Iterator[Any]:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto((reproduced.folder / "build" / "evaluation" / "report.html").as_uri())
    yield page
    page.close()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["desktop", "phone"])
def test_the_report_fits_the_screen_and_nothing_covers_anything(report: Any, size: tuple[int, int]) -> None:
    report.set_viewport_size({"width": size[0], "height": size[1]})
    assert report.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert report.evaluate(OVERLAPS) == []
    pictures = report.evaluate("[...document.images].map(it => [it.alt, it.naturalWidth])")
    assert pictures
    assert all(text and width for text, width in pictures)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_text_can_be_read_by_day_and_by_night(report: Any, scheme: str) -> None:
    report.emulate_media(color_scheme=scheme)
    contrasts = report.evaluate(CONTRASTS)
    assert len(contrasts) > 50
    assert [text for contrast, text in contrasts if contrast < READABLE] == []


def test_it_prints_on_few_pages_with_nothing_covered(report: Any) -> None:
    printed = report.pdf(format="A4", print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= PAGES
    report.emulate_media(media="print")
    report.set_viewport_size({"width": PAPER[0], "height": PAPER[1]})
    assert report.evaluate("document.documentElement.scrollWidth") <= PAPER[0]
    assert report.evaluate(OVERLAPS) == []
    cut = (
        "[...document.querySelectorAll('figure, tr')].filter(it => getComputedStyle(it).breakInside !== 'avoid').length"
    )
    assert report.evaluate(cut) == 0


def test_the_table_of_runs_begins_with_the_scores(reproduced: Project, browser: Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "src.tracking", "ui", "--port", str(port)]
    with subprocess.Popen(
        command,
        cwd=reproduced.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as ui:
        try:
            assert ui.stdout is not None
            address = next(found[0] for line in ui.stdout if (found := re.search(r"http://127\S+", line)))
            page = browser.new_page(viewport={"width": WIDE[0], "height": WIDE[1]})
            page.set_default_timeout(PATIENCE)
            for _ in range(60):
                try:
                    page.goto(address)
                    break
                except Exception:  # noqa: BLE001  it is not up yet
                    page.wait_for_timeout(1000)
            page.wait_for_selector("text=test_auc")
            shown = page.inner_text("body")
            page.close()
        finally:
            os.killpg(ui.pid, signal.SIGKILL)  # with the server that it started
    assert "test_accuracy" in shown
    assert re.search(r"\b0\.\d{2,}", shown)
