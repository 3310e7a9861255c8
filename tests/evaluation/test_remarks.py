import pytest

from src.evaluation.findings import Findings, Rules, find
from src.evaluation.remarks import remarks
from tests.evaluation import cases

CLEAN = {"groups_in_two_parts": 0, "exact_duplicates": 0, "near_duplicates": 0}


@pytest.fixture(scope="module")
def found() -> Findings:
    return find(cases.random(200, 2), cases.random(60, 2, 1), Rules("youden", 0.95, 200, 42))


def levels(audit: dict[str, object], found: Findings) -> list[str]:
    return [remark.level for remark in remarks(audit, found)]


def test_parts_that_are_apart_are_fine(found: Findings) -> None:
    assert levels(CLEAN, found) == ["good"]


@pytest.mark.parametrize("leak", CLEAN)
def test_any_leak_comes_first_and_is_bad(found: Findings, leak: str) -> None:
    first = remarks({"warnings": ["something else"], **CLEAN, leak: 3}, found)[0]
    assert first.level == "bad"
    assert " 3 " in first.text


@pytest.mark.parametrize("key", ["shortcut_auc", "shortcut_auc_official"])
@pytest.mark.parametrize(("auc", "level"), [(0.99, "bad"), (0.65, "warn"), (0.52, "good")])
def test_a_shortcut_is_held_against_the_model(found: Findings, key: str, auc: float, level: str) -> None:
    assert 0.7 < found.estimates.scores[("auc",)].value < 0.95
    remark = remarks({key: auc}, found)[0]
    assert remark.level == level
    assert f"{auc:.2f}" in remark.text


def test_warnings_of_the_audit_become_sentences(found: Findings) -> None:
    assert remarks({"warnings": ["no groups are known"]}, found)[0].text == "No groups are known."


def test_what_counts_the_leaks_is_not_said_twice(found: Findings) -> None:
    audit = {
        **CLEAN,
        "near_duplicates": 3,
        "warnings": ["3 pairs of nearly the same image stand in two parts", "other"],
    }
    assert levels(audit, found) == ["bad", "warn"]


def test_a_missing_audit_is_told(found: Findings) -> None:
    assert levels({}, found) == ["warn"]


@pytest.mark.parametrize(
    "audit", [{"shortcut_auc": None}, {"warnings": None}, {"exact_duplicates": "x"}, {"other": {}}]
)
def test_an_audit_without_what_is_looked_for_says_nothing(found: Findings, audit: dict[str, object]) -> None:
    assert levels(audit, found) == []
