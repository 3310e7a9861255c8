"""`python -m src.start SOURCE`: params.yaml for images as they are."""
