"""The figures of an evaluation; each module lists its own in FIGURES, with their order, title and caption.

Every `draw` returns a matplotlib figure or a sheet of pixels.
"""
