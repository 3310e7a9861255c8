"""Packs `python -m src.predict` into one file of the bundle, for machines without the repository and TensorFlow.

Python runs a zip that contains a `__main__.py` (PEP 441), and imports modules from a zip that is on its path.
"""

import zipfile
from importlib import metadata
from modulefinder import ModuleFinder
from pathlib import Path

from src.core import registry
from src.core.files import replacing, write_text
from src.core.paths import Bundle
from src.predict.__main__ import main

ROOT = Path(__file__).parents[2]
COMMAND = main.__module__
STEPS = "preprocess.steps"  # imported by name, so the import statements do not show them
REQUIREMENTS = (
    "numpy", "onnxruntime", "opencv-python-headless", "pillow", "pydantic", "pydicom", "ruamel.yaml", "simplejpeg",
    "tabulate",
)  # fmt: skip
MAIN = """\
import sys
from pathlib import Path

from src.core import console
from src.predict.__main__ import main

console.run(lambda: main(Path(sys.argv[0]).parent))
"""


def write(out: Bundle) -> None:
    """Write predict.pyz, and a requirements file of the packages that it needs, in the versions installed here."""
    content = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in modules()} | {
        "__main__.py": MAIN.encode()
    }
    with replacing(out.application) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(content):
            archive.writestr(zipfile.ZipInfo(name), content[name])  # dated 1980-01-01
    write_text(out.requirements, "".join(f"{name}=={metadata.version(name)}\n" for name in REQUIREMENTS))


def modules() -> list[Path]:
    """Return the files of all modules of src that the command imports, directly or not, inside functions too."""
    finder = ModuleFinder([str(ROOT)], excludes=["src.tracking"])  # MLflow, which a bundle in a folder does not need
    for name in (COMMAND, *(f"src.{STEPS}.{step}" for step in registry.names(STEPS))):
        finder.import_hook(name)
    files = (getattr(module, "__file__", None) for module in finder.modules.values())
    found = (Path(file) for file in files if file)
    return sorted(path for path in found if path.is_relative_to(ROOT / "src"))
