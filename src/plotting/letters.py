"""Letters that the font of the figures lacks: drawn with another font of the machine, else written as escapes."""

import logging
import unicodedata
from functools import cache

import matplotlib

log = logging.getLogger(__name__)

FAMILY = "DejaVu Sans"
UNUSABLE = ("last resort", "color", "emoji one")  # boxes with a number, and pictures that matplotlib cannot draw
families = [FAMILY]  # what the figures of this process need, in the order in which fonts are asked
_told: set[str] = set()


def drawable(text: str) -> str:
    r"""Return a text as figures can show it, and let them use the fonts that it needs.

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
        joins = unicodedata.category(letter) in {"Mn", "Cf"}  # it has no picture of its own, such as U+FE0F
        return "" if joins else letter.encode("unicode_escape").decode()
    if family not in families:
        families.append(family)
        matplotlib.rcParams["font.family"] = list(families)
    return letter


@cache
def _family_of(letter: str) -> str | None:
    """Find the first font, ours before the others by name, that has a letter."""
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
