"""Trainings on the workers of a Dask cluster that exists."""

from src.core.errors import AssayError

try:
    import distributed as distributed
except ImportError as error:
    install = "install it with `uv pip install --require-hashes -r requirements.txt`"
    raise AssayError(f"--dask: expected the package distributed, found none; {install}") from error
