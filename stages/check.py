"""Stage check: all of params.yaml, before DVC looks for the file that params.model names."""

from src.config import load
from src.core import console

if __name__ == "__main__":
    console.run(load)
