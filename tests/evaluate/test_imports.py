import subprocess
import sys

UNWANTED = {"tensorflow", "keras", "matplotlib", "sklearn", "pandas", "cv2", "jinja2"}


def test_scores_and_intervals_load_neither_tensorflow_nor_figures() -> None:
    code = f"import sys, src.evaluate.results; print(sorted({UNWANTED!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
