import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("src.evaluation.findings", {"tensorflow", "matplotlib", "sklearn", "pandas", "cv2", "jinja2"}),
        ("src.evaluation.stage", {"tensorflow", "keras", "matplotlib.pyplot", "sklearn", "pandas"}),
    ],
)
def test_a_module_does_not_load_what_it_does_not_use(module: str, unwanted: set[str]) -> None:
    code = f"import sys, {module}; print(sorted({unwanted!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
