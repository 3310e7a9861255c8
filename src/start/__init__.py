"""`python -m src.start SOURCE`: looks at images and their labels, and writes a params.yaml that suits them."""

from src.start.survey import run

__all__ = ["run"]
