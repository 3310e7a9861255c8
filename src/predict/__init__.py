"""`python -m src.predict`: images, folders and archives through a bundle."""
