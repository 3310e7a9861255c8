"""Several values are exchanged at once as they are one after the other."""

from functools import reduce

from src.core import yaml_edit

TEXT = "a: 1  # one\nb:\n  c: [1, 2]\n  d: {e: x, f: 'y'}  # three\n  g:\n    - 1\n    - 2\nh: 3\n"


def test_values_exchanged_at_once_give_the_text_that_one_after_the_other_gives() -> None:
    for values in (
        {"h": 4, "a": "longer than before", "b.d.f": "it's", "b.c": [], "b.g": [3]},
        {"b.d": {"e": 1, "f": 2}, "b.d.f": 3},
    ):
        one_by_one = reduce(lambda text, key: yaml_edit.put(text, key.split("."), values[key]), values, TEXT)
        assert yaml_edit.put_all(TEXT, values) == one_by_one
        assert "# one" in one_by_one
