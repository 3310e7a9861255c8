"""What a person probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(word: str, known: Iterable[str]) -> str:
    """Give ``; did you mean 'x'?`` for the known word nearest to `word`, or nothing where none is near.

    >>> suggestion("drop_out", ["dropout", "stride"])
    "; did you mean 'dropout'?"
    """
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
