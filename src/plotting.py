"""One style for all figures: sizes, colours that colour-blind people can tell apart, and files without a date.

Figures use matplotlib's object interface: pyplot takes 1.2 s to import and keeps global state.
Letters that the default font lacks are drawn with another installed font, or written as escapes if no font has them.
"""

import logging
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave

from src.core.files import replacing

# Okabe and Ito 2008, https://jfly.uni-koeln.de/color/, without yellow, which is faint on white
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES = ("-", "--", ":", "-.")
GREY = "#6B6B6B"
SHADE = "Blues"
DPI = 120
LONGEST_NAME = 24

_STYLE: dict[str, Any] = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "text.parse_math": False,  # a dollar sign in a class name is a dollar sign
    "savefig.facecolor": "white",
    "figure.constrained_layout.w_pad": 0.1,  # inches
    "figure.constrained_layout.h_pad": 0.1,
}
_NOT_OURS = ("backend", "interactive", "toolbar", "timezone", "backend_fallback", "date.epoch")
log = logging.getLogger(__name__)

FAMILY = "DejaVu Sans"
UNUSABLE = ("last resort", "color", "emoji one")  # boxes with a number, and pictures that matplotlib cannot draw
families = [FAMILY]  # the fonts that the figures of this process need, in the order in which they are tried
_told: set[str] = set()


@contextmanager
def applied() -> Iterator[None]:
    """Draw with this style and matplotlib's defaults, regardless of the user's matplotlibrc."""
    look: dict[Any, Any] = {key: value for key, value in matplotlib.rcParamsDefault.items() if key not in _NOT_OURS}
    with matplotlib.rc_context(look | _STYLE | {"font.family": list(families)}):
        yield


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure, sizes in inches, with a constrained layout, so that its parts do not overlap."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, atomically; the same figure gives the same bytes."""
    drawn: Any = FigureCanvasAgg(figure)  # Any: its methods have no type hints
    drawn.draw()  # once; `savefig` gives the same bytes, but draws twice to compute the layout
    about: dict[str, Any] = {"format": "png", "dpi": DPI, "metadata": {"Software": None}}
    with replacing(path) as temporary:
        imsave(temporary, drawn.buffer_rgba(), **about)


def line(number: int) -> dict[str, Any]:
    """Return the colour and line style of the line with this number: there are 28 combinations."""
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": DASHES[number // len(COLOURS) % len(DASHES)]}


def colour(number: int) -> str:
    """Return the colour with this number."""
    return COLOURS[number % len(COLOURS)]


def shorten(name: str, longest: int = LONGEST_NAME) -> str:
    """Make every letter of a name drawable, then replace the middle by … if the name is too long.

    >>> shorten("CT_NonCOVID"), shorten("a_very_long_class_name_that_goes_on", 15)
    ('CT_NonCOVID', 'a_very_…goes_on')
    """
    name = drawable(name)
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[: longest - 1 - half]}…{name[-half:]}"


def shorten_all(names: Sequence[str], longest: int = LONGEST_NAME) -> list[str]:
    """Shorten names so that different names stay different: if needed, cut their common start and end, or number them.

    >>> shorten_all(["adenocarcinoma_of_type_a_of_the_lung", "adenocarcinoma_of_type_b_of_the_lung"], 18)
    ['…a…', '…b…']
    """
    names = [drawable(name) for name in names]
    short = [shorten(name, longest) for name in names]
    if len(set(short)) == len(set(names)):
        return short
    head = _shared(names)
    tail = _shared([name[head:][::-1] for name in names])
    cores = [shorten(f"…{name[head : len(name) - tail]}…", longest) for name in names]
    if len(set(cores)) == len(set(names)):
        return cores
    return [f"{number}: {shorten(name, longest - 4)}" for number, name in enumerate(names, start=1)]


def _shared(names: Sequence[str]) -> int:
    """Return the length of the common prefix of all names."""
    return len(list(takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))))


def drawable(text: str) -> str:
    r"""Return a text that figures can show, with escapes for letters that no font has, and enable the fonts it needs.

    >>> drawable("Größe"), drawable("\U000f0000")
    ('Größe', '\\U000f0000')
    """
    shown = "".join(_shown(letter) for letter in text)
    if shown != text and text not in _told:
        _told.add(text)
        log.info("figures: no font of this machine has all letters of %s, written as %s there", text, shown)
    return shown


def _shown(letter: str) -> str:
    if letter.isascii():
        return letter
    family = _family_of(letter)
    if family is None:
        joins = unicodedata.category(letter) in {"Mn", "Cf"}  # characters without a glyph, such as U+FE0F
        return "" if joins else letter.encode("unicode_escape").decode()
    if family not in families:
        families.append(family)
        matplotlib.rcParams["font.family"] = list(families)
    return letter


@cache
def _family_of(letter: str) -> str | None:
    """Return the first font that has a letter: those in `families` are tried first, then the others by name."""
    from matplotlib.font_manager import fontManager, get_font

    found = {
        entry.name: entry.fname for entry in fontManager.ttflist if entry.style == "normal" and entry.weight == 400
    }
    for name in [*families, *sorted(found.keys() - set(families))]:
        if any(word in name.lower() for word in UNUSABLE) or name not in found:
            continue
        try:
            if get_font(found[name]).get_char_index(ord(letter)):
                return name
        except (RuntimeError, OSError):  # a font that cannot be read
            continue
    return None
