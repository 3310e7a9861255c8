import pytest

from src.core.errors import AssayError
from src.download import manifest
from src.download.manifest import Entry, check


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("", "expected images of at least two classes"),
        ("aaa", "expected at least two classes, found only a 3"),
        ("a\x1bb", r"expected labels of one line without control characters, found '\x1b'"),
        ("a\nb", r"expected labels of one line without control characters, found '\n'"),
        ("aAb", "expected one spelling for each class, found 'A' and 'a'"),
    ],
)
def test_classes_that_nothing_can_be_learned_from_are_refused(labels: str, message: str) -> None:
    with pytest.raises(AssayError) as error:
        check([Entry(f"{index}.png", label) for index, label in enumerate(labels)], "source")
    assert str(error.value) == f"source: {message}" or message in str(error.value)


def test_a_positive_class_that_is_not_there_is_told_before_any_work_on_images() -> None:
    entries = [Entry("a.png", "healthy"), Entry("b.png", "ill")]
    check(entries, "source", "ill")
    with pytest.raises(
        AssayError, match=r"dataset\.positive: expected one of healthy, ill, or null; found 'il'.*'ill'"
    ):
        check(entries, "source", "il")


@pytest.mark.parametrize("path", ["manifest.csv/1.png", "Counts.csv"])
def test_a_class_or_an_image_with_the_name_of_a_table_of_the_stage_is_refused(path: str) -> None:
    with pytest.raises(AssayError, match=r"expected nothing named \w+\.csv, which download writes"):
        manifest.check([Entry(path, "a"), Entry("b/1.png", "b")], "source", None, ["manifest.csv", "counts.csv"])
