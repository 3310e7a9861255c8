"""A table stands between its markers, and the rest of the document is left."""

from pathlib import Path

import pytest

from src.core import markdown
from src.core.errors import AssayError


def test_markdown_keeps_a_bar_in_a_name_from_ending_the_cell() -> None:
    assert "a\\|b" in markdown.table([{"name": "a|b"}])


def test_the_table_stands_between_the_markers_and_the_rest_is_left(tmp_path: Path) -> None:
    page = tmp_path / "results.md"
    page.write_text("before\n<!-- runs -->\nold\n<!-- /runs -->\nafter\n")
    markdown.insert(page, "| new |")
    markdown.insert(page, "| newer |")
    assert page.read_text() == "before\n<!-- runs -->\n| newer |\n<!-- /runs -->\nafter\n"


def test_a_named_table_has_markers_of_its_own(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- runs: a -->\n<!-- /runs -->\n<!-- runs: b -->\n<!-- /runs -->\n")
    markdown.insert(Path(f"{page}#b"), "| new |")
    assert page.read_text() == "<!-- runs: a -->\n<!-- /runs -->\n<!-- runs: b -->\n| new |\n<!-- /runs -->\n"
    with pytest.raises(AssayError, match=r"expected the lines <!-- runs: c --> and .*, found no <!-- runs: c -->"):
        markdown.insert(Path(f"{page}#c"), "| new |")


@pytest.mark.parametrize(
    ("content", "found"), [(None, "no file"), ("x", "no <!-- runs -->"), ("<!-- runs -->", "no <!-- /runs -->")]
)
def test_a_document_without_markers_is_refused(tmp_path: Path, content: str | None, found: str) -> None:
    page = tmp_path / "results.md"
    if content:
        page.write_text(content)
    with pytest.raises(AssayError, match=f"expected the lines .*, found {found}"):
        markdown.insert(page, "| new |")
