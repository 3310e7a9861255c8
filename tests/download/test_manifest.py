import pytest

from src.core.errors import AssayError
from src.download import manifest
from src.download.manifest import Entry, check, merge, merge_counts, regroup

CELLS = [Entry(f"{label}/1.png", label, "g", "test") for label in ("EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE")]
TWO = {"EOSINOPHIL": "poly", "LYMPHOCYTE": "mono", "MONOCYTE": "mono"}


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
    with pytest.raises(AssayError, match=r"expected nothing named \w+\.csv, which the stage download writes"):
        manifest.check([Entry(path, "a"), Entry("b/1.png", "b")], "source", None, ["manifest.csv", "counts.csv"])


def test_labels_are_merged_and_all_else_stays() -> None:
    assert merge(CELLS, TWO, "x") == [
        Entry("EOSINOPHIL/1.png", "poly", "g", "test"),
        Entry("LYMPHOCYTE/1.png", "mono", "g", "test"),
        Entry("MONOCYTE/1.png", "mono", "g", "test"),
    ]


def test_labels_swap_names_without_falling_together() -> None:
    swapped = merge(CELLS[1:], {"LYMPHOCYTE": "MONOCYTE", "MONOCYTE": "LYMPHOCYTE"}, "x")
    assert [entry.label for entry in swapped] == ["MONOCYTE", "LYMPHOCYTE"]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"EOSINOPHIL": "p"}, "expected every label of the data set, found no LYMPHOCYTE, MONOCYTE"),
        (TWO | {"MONOCITE": "m"}, "MONOCYTE), found 'MONOCITE'; did you mean 'MONOCYTE'?"),
        (TWO | {"monocyte": "m"}, "found 'monocyte'; did you mean 'MONOCYTE'?"),
        (TWO | {"x": "m"}, "expected labels of the data set (EOSINOPHIL, LYMPHOCYTE, MONOCYTE), found 'x'"),
    ],
)
def test_a_mapping_that_does_not_fit_the_labels_is_one_line(mapping: dict[str, str], message: str) -> None:
    with pytest.raises(AssayError) as error:
        merge(CELLS, mapping, "cells.zip")
    assert str(error.value).startswith("cells.zip: dataset.merge: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_counts_of_merged_labels_add_up_and_others_stay() -> None:
    assert merge_counts({"LYMPHOCYTE": 3, "MONOCYTE": 4, "BASOPHIL": 1}, TWO) == {"mono": 7, "BASOPHIL": 1}


def test_a_group_is_read_from_the_file_name_alone() -> None:
    assert [entry.group for entry in regroup([Entry("p9/p1_2.png", "p9")], "(?P<group>p[0-9]+)", "x")] == ["p1"]


def test_a_pattern_with_a_slash_sees_the_whole_path() -> None:
    assert regroup([Entry("ill/p1.png", "ill")], "^(?P<group>[^/]+/p[0-9]+)", "x") == [
        Entry("ill/p1.png", "ill", "ill/p1")
    ]


def test_a_pattern_takes_the_place_of_the_groups_that_were_known() -> None:
    assert regroup([Entry("a/p1.png", "a", "old", "val")], "(?P<group>p1)", "x") == [
        Entry("a/p1.png", "a", "p1", "val")
    ]


@pytest.mark.parametrize("name", ["q1.png", "p.png"])
def test_a_file_that_does_not_match_is_named_with_key_and_value(name: str) -> None:
    with pytest.raises(AssayError) as error:
        regroup([Entry("a/p1.png", "a"), Entry(f"b/{name}", "b")], "p(?P<group>[0-9]*)", "scans")
    assert str(error.value) == (
        "scans: dataset.group_pattern: expected 'p(?P<group>[0-9]*)' to find a group in each of 2 names, "
        f"found none in 1, such as b/{name}"
    )


def test_a_group_that_takes_no_part_in_the_match_is_none() -> None:
    with pytest.raises(AssayError, match=r"found none in 1, such as a/x\.png"):
        regroup([Entry("a/x.png", "a")], "(?P<group>p)?x", "scans")
