"""Errors for users: suggestions for misspelled names, and shortening of long lists and values in messages."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

SHOWN = 80  # characters of a value that a message repeats


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the known word nearest to `word`, ignoring case, or "".

    >>> suggestion("drop_out", ["dropout", "stride"])
    "; did you mean 'dropout'?"
    """
    spelled = {each.lower(): each for each in known}
    close = get_close_matches(word.lower(), spelled, n=1)
    return f"; did you mean {spelled[close[0]]!r}?" if close else ""


class AssayError(Exception):
    """A problem with input or environment, not a bug; the message says where, what was expected and what was found."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or the name of its type if the message is empty.

    >>> first_line(ValueError("no\\nmore")), first_line(ValueError())
    ('no', 'ValueError')
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def listed(names: Sequence[str], most: int, between: str = ", ") -> str:
    """Return the first `most` names as one text, and how many more there are.

    >>> listed(["a", "b", "c"], 2), listed(["a"], 2)
    ('a, b, and 1 more', 'a')
    """
    return between.join([*names[:most], *([f"and {len(names) - most} more"] if len(names) > most else [])])


def shortened(text: str, most: int = SHOWN) -> str:
    r"""Return the beginning of a text on one line, control characters escaped: a terminal would obey them.

    >>> shortened("a\x1b[2J\nb"), shortened("a" * 90, 5)
    ('a\\x1b[2J\\nb', 'aaaaa... (90 characters)')
    """
    start = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text[:most])
    return start if len(text) <= most else f"{start}... ({len(text)} characters)"
