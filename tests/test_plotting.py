"""Class names of any script are drawn, or written as escapes that stay different, without a warning."""

import logging
import warnings
from pathlib import Path

import pytest

from src import plotting

NAMES = ("肺炎", "正常", "سليم", "🙂 well", "größe", "ill")
BOLD = "\N{MATHEMATICAL BOLD CAPITAL A}"


def test_names_of_any_script_make_a_figure_without_warnings(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plotting._told.clear()
    with warnings.catch_warnings(), caplog.at_level(logging.INFO), plotting.applied():
        warnings.simplefilter("error")
        for _ in range(2):
            figure = plotting.canvas(4, 3)
            axes = figure.add_subplot()
            axes.set_yticks(range(len(NAMES)), plotting.shorten_all(NAMES))
            axes.plot([0, 1], label=plotting.shorten(NAMES[0]))
            axes.legend(loc="lower left")
            plotting.save(figure, tmp_path / "figure.png")
    assert len(set(plotting.shorten_all(NAMES))) == len(NAMES)
    escaped = {name for name in NAMES if plotting.drawable(name) != name}
    assert [sum(name in line for line in caplog.messages) for name in escaped] == [1] * len(escaped)


def test_a_font_of_the_machine_is_used_where_ours_lacks_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plotting, "families", ["DejaVu Sans Mono"])
    plotting._family_of.cache_clear()
    with plotting.applied():
        assert plotting.shorten(BOLD) == BOLD  # which DejaVu Sans Mono lacks
    assert plotting.families == ["DejaVu Sans Mono", plotting.families[1]]
    plotting._family_of.cache_clear()
