"""The preprocessing steps, a file each, chosen by name in preprocess.steps."""
