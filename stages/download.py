"""Download: the images and their manifest from wherever dataset.source says."""

from src import console, paths
from src.datasets import download
from src.params import load


def main() -> None:
    """Run the stage."""
    params = load()
    download(params.dataset, paths.RAW, paths.home())


if __name__ == "__main__":
    console.run(main)
