import pytest

from src.evaluate.report_warnings import notices, small_classes
from src.evaluate.results import Results, Rules, compute
from tests.evaluate import helpers

CLEAN = {"groups_in_two_parts": 0, "exact_duplicates": 0, "near_duplicates": 0}


@pytest.fixture(scope="module")
def found() -> Results:
    return compute(helpers.random(200, 2), helpers.random(60, 2, 1), Rules("youden", 0.95, 200, 42))


def levels(audit: dict[str, object], found: Results) -> list[str]:
    return [notice.level for notice in notices(audit, found)]


def test_parts_that_are_apart_are_fine(found: Results) -> None:
    assert levels(CLEAN, found) == ["good"]


@pytest.mark.parametrize("leak", CLEAN)
def test_any_leak_comes_first_and_is_bad(found: Results, leak: str) -> None:
    first = notices({"warnings": ["something else"], **CLEAN, leak: 3}, found)[0]
    assert first.level == "bad"
    assert " 3 " in first.text


@pytest.mark.parametrize("key", ["shortcut_auc", "shortcut_auc_official"])
@pytest.mark.parametrize(("auc", "level"), [(0.99, "bad"), (0.65, "warn"), (0.52, "good")])
def test_a_shortcut_is_held_against_the_model(found: Results, key: str, auc: float, level: str) -> None:
    assert 0.7 < found.estimates.scores[("auc",)].value < 0.95
    notice = notices({key: auc}, found)[0]
    assert notice.level == level
    assert f"{auc:.2f}" in notice.text


@pytest.mark.parametrize(("auc", "level", "text"), [(0.99, "warn", "does not beat a linear"), (0.6, "good", "beats a")])
def test_a_model_is_told_whether_it_beats_the_probe(found: Results, auc: float, level: str, text: str) -> None:
    probed = {"probe": {"auc": {"value": auc}}}
    (notice,) = [each for each in notices(CLEAN, found, probe=probed) if "probe" in each.text]
    assert notice.level == level
    assert text in notice.text
    assert notice.text.count(f"{auc:.2f}") == 1


def test_a_pair_across_parts_that_learned_features_take_for_one_image_is_named(found: Results) -> None:
    pairs = [
        {"similarity": value, "train": f"a{value}.png", "test": f"b{value}.png", "labels": ["ill", label]}
        for value, label in ((0.89, "well"), (0.83, "ill"), (0.53, "ill"))
    ]
    (notice,) = [each for each in notices(CLEAN, found, probe={"alike": pairs}) if "learned features" in each.text]
    assert notice.level == "warn"
    assert "b0.89.png and a0.89.png (0.89, labels well and ill); b0.83.png and a0.83.png (0.83); look" in notice.text
    assert not [each for each in notices(CLEAN, found, probe={"alike": pairs[2:]}) if "learned" in each.text]


def test_warnings_of_the_audit_become_sentences(found: Results) -> None:
    assert notices({"warnings": ["no groups are known"]}, found)[0].text == "No groups are known."


def test_what_counts_the_leaks_is_not_said_twice(found: Results) -> None:
    audit = {
        **CLEAN,
        "near_duplicates": 3,
        "warnings": ["3 pairs of nearly the same image stand in two parts", "other"],
    }
    assert levels(audit, found) == ["bad", "warn"]


def test_a_leak_ends_with_the_next_step(found: Results) -> None:
    step = "split.by: lookalike keeps copies in one part"
    audit = {
        **CLEAN,
        "near_duplicates": 3,
        "warnings": [f"3 pairs of nearly the same image stand in two parts; {step}"],
    }
    assert notices(audit, found)[0].text.endswith(f"so the scores may be too good: {step}.")


def test_files_that_were_left_out_are_a_note(found: Results) -> None:
    assert notices(CLEAN, found, ["left out of the source: HEIC 20 (no decoder)"])[-2] == (
        "note", "Left out of the source: HEIC 20 (no decoder).",
    )  # fmt: skip


def test_a_missing_audit_is_told(found: Results) -> None:
    assert levels({}, found) == ["warn"]


@pytest.mark.parametrize(
    "audit", [{"shortcut_auc": None}, {"warnings": None}, {"exact_duplicates": "x"}, {"other": {}}]
)
def test_an_audit_without_what_is_looked_for_says_nothing(found: Results, audit: dict[str, object]) -> None:
    assert levels(audit, found) == []


def test_few_images_or_groups_of_a_class_in_test_are_a_warning() -> None:
    one = helpers.binary([1, *[0] * 30], [0.9, *[0.1] * 30])
    assert small_classes(one)[0].startswith("test holds only 1 image of b: ")
    few = helpers.binary([1] * 12 + [0] * 30, [0.9] * 42, [0] * 6 + [1] * 6 + list(range(2, 32)))
    assert small_classes(few)[0].startswith("test holds only 12 images of 2 groups of b: ")
    results = compute(one, one, Rules("youden", 0.95, 200, 42))
    assert notices(CLEAN, results)[0].level == "warn"
    assert small_classes(helpers.binary([0, 1] * 10, [0.5] * 20)) == []
