#!/usr/bin/env bash
# Creates the virtual environment with the first Python 3.11 to 3.13 that is found, and exactly the packages of
# requirements.txt.
set -euo pipefail
venv=$1

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
    if supported "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  echo "error: expected Python 3.11, 3.12 or 3.13 on the PATH, found: $(python3 --version 2>&1 || true)." >&2
  echo "       Install one of them, or name it: make repro PYTHON=/path/to/python3.13" >&2
  return 1
}

if ! supported "$venv/bin/python"; then
  python=$(find_python)
  echo "making $venv with $("$python" --version)"
  "$python" -m venv --clear "$venv" || {
    echo "error: $python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2
    exit 1
  }
fi

echo "installing the locked packages, about 1 GB to download the first time"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r tools/uv.txt
# Compiled once here: if PYTHONDONTWRITEBYTECODE is set, every start would compile TensorFlow again.
"$venv/bin/uv" pip sync --quiet --python "$venv/bin/python" --require-hashes --compile-bytecode requirements.txt

# Sets a folder of our own for DVC's pickles: its default folder is shared by all users of the machine.
"$venv/bin/python" -c 'from pathlib import Path; from src.core import dvc_state; dvc_state.settle(Path.cwd())'
