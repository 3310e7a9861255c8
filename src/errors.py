"""The one exception that means: the person can mend this."""

SHOWN = 80  # characters of a value that a message repeats


class AssayError(Exception):
    """A mistake or a missing thing outside the code; the message says where, what was expected and what was found."""


def shortened(text: str, most: int = SHOWN) -> str:
    r"""Return the beginning of a text on one line, control characters escaped: a terminal would obey them.

    >>> shortened("a\x1b[2J\nb"), shortened("a" * 90, 5)
    ('a\\x1b[2J\\nb', 'aaaaa... (90 characters)')
    """
    start = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text[:most])
    return start if len(text) <= most else f"{start}... ({len(text)} characters)"
