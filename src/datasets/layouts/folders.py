"""Class folders, CLASS/image, or the same below train, val and test folders; or a CSV beside the images.

Class folders know no groups; dataset.group_pattern can read them from the file names.
"""

from src.datasets import csv_table
from src.datasets.class_folders import read_class_folders
from src.datasets.entries import Entry
from src.datasets.listing import Listing


def read(files: Listing) -> list[Entry]:
    """Read a CSV with the columns path and label at the top of the source, or else the folders above each image.

    Raises:
        AssayError: the CSV does not fit the images, or the images do not lie in class folders.
    """
    table = csv_table.find(files)
    return csv_table.read(files, table) if table else read_class_folders(files)
