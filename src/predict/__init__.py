"""`python -m src.predict`: predicts images, folders and archives with a bundle."""
