"""What a person probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

SHOWN = 80  # characters of a value that a message repeats


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the known word nearest to `word` in whatever case, or nothing.

    >>> suggestion("drop_out", ["dropout", "stride"])
    "; did you mean 'dropout'?"
    """
    spelled = {each.lower(): each for each in known}
    close = get_close_matches(word.lower(), spelled, n=1)
    return f"; did you mean {spelled[close[0]]!r}?" if close else ""


class AssayError(Exception):
    """A mistake or a missing thing outside the code; the message says where, what was expected and what was found."""


def shortened(text: str, most: int = SHOWN) -> str:
    r"""Return the beginning of a text on one line, control characters escaped: a terminal would obey them.

    >>> shortened("a\x1b[2J\nb"), shortened("a" * 90, 5)
    ('a\\x1b[2J\\nb', 'aaaaa... (90 characters)')
    """
    start = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text[:most])
    return start if len(text) <= most else f"{start}... ({len(text)} characters)"
