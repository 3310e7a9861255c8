"""What the documents refer to exists, and nothing in them waits to be filled in."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "mlruns" / "README.md"]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
SECTION = re.compile(r"\]\(([^)#:]*)#([^)]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_placeholder_is_left(page: Path) -> None:
    assert re.findall(r"@[A-Z]+@|TODO|FIXME", page.read_text(encoding="utf-8")) == []


def test_every_page_is_listed() -> None:
    listed = LINK.findall((ROOT / "docs" / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md")


def test_the_commit_hooks_run_what_make_lint_runs() -> None:
    recipes = re.findall(r"^lint(?:-\w+)?:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    linted = re.findall(r"^\t@(?!if )(.+)$", "".join(recipes), re.M)
    hooked = re.findall(r"entry: \.venv/bin/(.+)", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert sorted(entry.replace(" --force-exclude", "") for entry in hooked) == sorted(linted)


def test_one_version_stands_in_the_project_its_citation_and_its_changelog() -> None:
    found = [
        re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.M)
        for name, pattern in (
            ("pyproject.toml", r'^version = "(.+)"'),
            ("CITATION.cff", r"^version: (.+)"),
            ("CHANGELOG.md", r"^## \[(\d.*?)\]"),
        )
    ]
    assert len({match.group(1) if match else None for match in found}) == 1


def test_every_link_to_a_section_leads_to_a_heading() -> None:
    pages = [*PAGES, ROOT / "CONTRIBUTING.md"]
    links = [(page, *link) for page in pages for link in SECTION.findall(page.read_text(encoding="utf-8"))]
    found = [((page.parent / target) if target else page, anchor) for page, target, anchor in links]
    assert [f"{page.name}#{anchor}" for page, anchor in found if anchor not in _anchors(page)] == []


def test_every_make_command_is_a_target() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        named = re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text(encoding="utf-8"))
        assert sorted(set(named) - set(targets)) == [], page.name


def _anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_report_explains_words_as_the_glossary_does() -> None:
    from src.evaluate.report import GLOSSARY

    rows = [
        line for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines() if line.startswith("| **")
    ]
    told = dict(row.strip("|").replace("**", "").split("|") for row in rows)
    assert {word.strip(): meaning.strip() for word, meaning in told.items()} == GLOSSARY
