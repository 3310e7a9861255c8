"""How every benchmark tells its result: one line with the claim, the value, and the mark that it is held to."""

import atexit
import os
import sys


def report(claim: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> None:
    """Write the line; where the mark is missed, the process ends with exit code 1 once it has reported everything."""
    met = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    marks = [f"{word} {mark:g}" for word, mark in (("at least", at_least), ("at most", at_most)) if mark is not None]
    note(f"{claim}: {value:.3g} (expected {', '.join(marks)}: {'met' if met else 'MISSED'})")
    if not met:
        atexit.register(os._exit, 1)


def note(text: str) -> None:
    """Write a line of what was measured on the way."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
