"""Class folders, CLASS/image, or the same below train, val and test folders; or a CSV beside the images.

Class folders know no groups; dataset.group_pattern can read them from the file names.
"""

from src.download import labels
from src.download.labels import read_class_folders
from src.download.manifest import Entry
from src.download.scan import Listing


def read(files: Listing) -> list[Entry]:
    """Read a CSV with the columns path and label at the top of the source, or else the folders above each image.

    Raises:
        AssayError: the CSV does not fit the images, or the images do not lie in class folders.
    """
    table = labels.find(files)
    return labels.read(files, table) if table else read_class_folders(files)
