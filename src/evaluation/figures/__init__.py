"""The pictures of an evaluation, one file each; every `draw` returns a matplotlib figure or a sheet of pixels."""
