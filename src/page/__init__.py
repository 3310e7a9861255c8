"""`python -m src.page`: a page on this machine that answers for the images that are dropped on it."""
