import pytest

from src.datasets.entries import Entry, check
from src.errors import AssayError


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("", "expected images of at least two classes"),
        ("aaa", "expected at least two classes, found only a 3"),
        ("aAb", "expected one spelling for each class, found 'A' and 'a'"),
    ],
)
def test_classes_that_nothing_can_be_learned_from_are_refused(labels: str, message: str) -> None:
    with pytest.raises(AssayError) as error:
        check([Entry(f"{index}.png", label) for index, label in enumerate(labels)], "source")
    assert str(error.value) == f"source: {message}" or message in str(error.value)
