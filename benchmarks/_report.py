"""How every benchmark tells its result: one line with the claim, the value, and the mark that it is held to."""

import sys


def report(claim: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> None:
    """Write the line, and leave with exit code 1 where the mark is missed."""
    if not told(claim, value, at_least=at_least, at_most=at_most):
        sys.exit(1)


def told(claim: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> bool:
    """Write the line, and return whether the mark is met."""
    met = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    marks = [f"{word} {mark:g}" for word, mark in (("at least", at_least), ("at most", at_most)) if mark is not None]
    note(f"{claim}: {value:.3g} (expected {', '.join(marks)}: {'met' if met else 'MISSED'})")
    return met


def note(text: str) -> None:
    """Write a line of what was measured on the way."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
