"""Figures of a study, one module each: `draw` gives a figure, or raises NotDrawn where the trials are too few."""


class NotDrawn(Exception):  # noqa: N818  it is no fault, only a figure that says nothing yet
    """There is nothing to be seen yet; the text says what is missing."""
