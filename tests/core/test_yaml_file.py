"""A file that would take for ever, or all memory, is refused in a line that names it, in less than a second."""

import time
from pathlib import Path

import pytest

from src.core import yaml_file
from src.core.errors import AssayError


def tenfold(levels: int) -> str:
    """Write a list of ten lists of ten lists ... by aliases."""
    lists = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, levels)]
    return "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *lists])


def merged(levels: int) -> str:
    """Write a section that is merged with itself again and again."""
    steps = [f"a{level}: &a{level}\n  <<: [*a{level - 1}, *a{level - 1}]" for level in range(1, levels)]
    return "\n".join(["a0: &a0 {x: 1}", *steps])


TOO_MUCH = {
    "lists by aliases": (tenfold(9), r"line \d: expected at most 4000 values, aliases written out"),
    "merged sections": (merged(40), r"line \d+: expected at most 4000 values"),
    "a list within itself": ("a: &a [*a]", r"line 1: expected no alias within what it stands for, found \*a"),
    "a section within itself": ("a: &a {b: *a}", "line 1: expected no alias within"),
    "deep lists": ("a: " + "[" * 100_000, "expected at most 20 levels"),
    "deep sections": ("\n".join(" " * depth + "a:" for depth in range(500)), "expected at most 20 levels"),
    "5,000 digits": ("seed: " + "1" * 5000, "line 1: expected a number of at most 40 digits, found 5000"),
    "hexadecimal digits": ("seed: 0x" + "f" * 5000, "line 1: expected a number of at most 40 digits"),
    "a list of 200,000": ("a: [" + "1," * 200_000 + "]", "expected at most 256 KB"),
    "a list of 100,000": ("a: [" + "1," * 100_000 + "]", "line 1: expected at most 4000 values"),
    "a value of 1 MB": ("a: " + "x" * 1_000_000, "expected at most 256 KB"),
    "a word of 100 KB twice": (f"? {'x' * 100_000}\n: 1\n? {'x' * 100_000}\n: 2", "not readable as YAML"),
    "no such date": ("a: 2024-99-99", "not readable as YAML: month must be in 1..12"),
    "no such number": ("a: !!int x", "not readable as YAML: invalid literal"),
    "no such truth": ("a: !!bool x", "not readable as YAML"),
    "code": ("a: !!python/object:os.system x", "not readable as YAML: could not determine a constructor"),
}


@pytest.mark.parametrize(("text", "words"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_is_too_much_or_no_value_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    started = time.process_time()
    with pytest.raises(AssayError, match=rf"params\.yaml: {words}") as caught:
        yaml_file.read(path)
    assert time.process_time() - started < 5  # where it takes long, it takes minutes
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_value_may_be_named_once_and_used_again() -> None:
    assert yaml_file.parsed("a: &side 150\nb: [*side, *side]\n", "params.yaml") == {"a": 150, "b": [150, 150]}
