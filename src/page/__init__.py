"""`python -m src.page`: serves a page on this machine that predicts the images that are dropped on it."""
