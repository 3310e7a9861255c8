"""Get the images and their manifest from wherever dataset.source says."""

from src import console, params, paths
from src.datasets import download


def main() -> None:
    download(params.load().dataset, paths.RAW, paths.home())


if __name__ == "__main__":
    console.run(main)
