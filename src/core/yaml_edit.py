"""Values of a YAML text exchanged as DVC's own writer does it, so that `dvc exp run -S` and we leave the same file.

Comments, order and quotes stay; lists are written with a line for each part. params.yaml and the presets are laid out
so that nothing else moves: comments on lines of their own, mappings in braces short.
"""

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML


def put_all(text: str, values: Mapping[str, Any]) -> str:
    """Exchange the values of dotted keys; keys that are missing are added at the end of their section."""
    yaml = YAML()
    yaml.default_flow_style = False
    content = yaml.load(text)
    for key, value in values.items():
        *outer, last = key.split(".")
        section = content
        for name in outer:
            section = section.setdefault(name, {})
        section[last] = value
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()


def written(value: Any) -> str:
    """Write a value on one line.

    >>> written({"rate": 1e-05, "steps": ["gray", "no"], "size": None})
    '{rate: 1e-05, steps: [gray, no], size: null}'
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width = True, 1 << 20
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = io.StringIO()
    yaml.dump(value, stream)
    return stream.getvalue().removesuffix("...\n").strip()
