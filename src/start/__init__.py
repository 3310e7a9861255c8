"""`python -m src.start SOURCE`: writes a params.yaml for images as they are."""
