"""The figures of an evaluation; a file names its own in FIGURES, with their place, title and caption.

Every `draw` returns a matplotlib figure or a sheet of pixels.
"""
