"""The model that MLflow stores: a bundle, run by the code that is packed in it, so that no repository is needed.

MLflow copies this file beside the bundle and runs it there, so it must not import src before the bundle's code is on
the path.
"""

import base64
import binascii
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

SERVING = "__pyfunc_model_path__"  # set by `mlflow models serve` in the process that answers
EXPECTED = "expected the content of an image file as base64"


class ServedModel(PythonModel):
    """Predicts images that are given as base64 or, outside of a server, as file names."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the bundle."""
        folder = Path(context.artifacts["bundle"])
        sys.path.insert(0, str(folder / "predict.pyz"))
        from src.export import load

        self._predictor = load(folder)

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Return a row for each image: the columns of `python -m src.predict --output`, and an error or None."""
        from src.export.predictor import Source, Unreadable
        from src.predict.answers import row

        rows: list[dict[str, Any]] = []
        with TemporaryDirectory(prefix="predict-") as folder:
            sources = [_source(text, number, Path(folder)) for number, text in enumerate(model_input.iloc[:, 0])]
            answers = self._predictor.predict_all([Source(name, path) for name, path in sources if path])
            for name, path in sources:
                found = next(answers) if path else Unreadable(name, EXPECTED)
                if isinstance(found, Unreadable):
                    rows.append({"file": name, "error": found.reason})
                else:
                    rows.append(row(found) | {"error": None})
        table = pd.DataFrame(rows).astype(object)
        return table.where(table.notna(), None)  # JSON has no NaN


def _source(text: str, number: int, folder: Path) -> tuple[str, Path | None]:
    """Return an image's name and file; a server never opens its own files for a client."""
    if SERVING not in os.environ and os.path.exists(text):  # noqa: PTH110  # a Path raises for so long a text
        return text, Path(text)
    name = f"image {number}"
    try:
        content = base64.b64decode(text.partition(";base64,")[2] or text, validate=True)
    except (binascii.Error, ValueError):
        return (name, None) if SERVING in os.environ or len(text) > 500 else (text, Path(text))
    path = folder / str(number)
    path.write_bytes(content)
    return name, path


mlflow.models.set_model(ServedModel())
