"""Cross-validation over patients and several seeds: `python -m src.repeat`."""
