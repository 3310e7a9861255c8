"""The stage on a small store with a real Keras model, run once for each kind and looked at from all sides."""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from src.core.errors import AssayError
from src.core.paths import Evaluation
from src.evaluate import stage
from tests import sections
from tests.evaluate import helpers
from tests.evaluate.helpers import Build

BINARY = ("CT_NonCOVID", "CT_COVID")
FOUR = ("EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL")
SHAPE = (helpers.SIDE, helpers.SIDE, 1)
SHOWN = {
    "seed": 42,
    "dataset": {"source": "samples"},
    "model": {"name": "tiny_cnn", "stride": 1},
    "preprocess": {"steps": ["gray", "resize"]},
}

pytestmark = pytest.mark.slow


def run(
    build: Build,
    out: Evaluation | None = None,
    shape: tuple[int, int, int] = SHAPE,
    out_of_fold: Path | None = None,
) -> Evaluation:
    target = out or build.out
    section = sections.evaluate(resamples=200)
    train = {"augment": sections.augment(rotation=20).model_dump(), "batch_size": 30, "balance": "none", "threads": 2}
    inputs = stage.Inputs(build.raw, build.prepared, build.split, build.model, build.probe, out_of_fold)
    stage.run(inputs, target, section, 42, shape, {**SHOWN, "train": train})
    return target


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, ...]], Build]:
    done: dict[tuple[str, ...], Build] = {}

    def build(classes: tuple[str, ...]) -> Build:
        if classes not in done:
            made = helpers.folders(tmp_path_factory.mktemp("build"))
            helpers.write_store(made, classes)
            helpers.write_model(made, classes)
            run(made)
            done[classes] = made
        return done[classes]

    return build


@pytest.mark.parametrize("classes", [BINARY, FOUR])
def test_predictions_hold_every_val_and_test_image_once(built: Callable, classes: tuple[str, ...]) -> None:
    build = built(classes)
    parts = {int(row["row"]): row["part"] for row in rows(build.split.parts)}
    predicted = {int(row["row"]): row["part"] for row in rows(build.out.predictions)}
    assert predicted == {row: part for row, part in parts.items() if part != "train"}
    for row in rows(build.out.predictions):
        assert sum(float(row[f"p_{name}"]) for name in classes) == pytest.approx(1, abs=1e-6)


def test_predictions_are_what_keras_predicts_from_pixels(built: Callable) -> None:
    import keras

    build = built(BINARY)
    model = keras.saving.load_model(build.model.model)
    store = np.load(build.prepared.images)
    written = rows(build.out.predictions)
    expected = model.predict(store[[int(row["row"]) for row in written]].astype("float32"), verbose=0)[:, 0]
    assert [float(row["p_CT_COVID"]) for row in written] == pytest.approx(expected.tolist(), abs=1e-6)


@pytest.mark.parametrize("classes", [BINARY, FOUR])
def test_the_report_shows_simpler_answers_beside_the_model(built: Callable, classes: tuple[str, ...]) -> None:
    page = built(classes).out.report.read_text(encoding="utf-8")
    table = page.partition('id="simpler"')[2].partition("</table>")[0]
    cell = '<td class="number">([^<]+)</td>'
    found = re.findall(rf'class="score">([\w ]+)</th>{cell}{cell}', table)
    assert [name for name, *_ in found] == ["This model", "Probe", "Neighbours", "Shortcut"]
    assert found[1] == ("Probe", "0.625 (0.500 to 0.750)", "0.500")
    assert found[3] == ("Shortcut", "0.990 (0.980 to 1.000)", "-")


def test_scores_can_be_computed_again_from_predictions_alone(built: Callable) -> None:
    build = built(BINARY)
    metrics = json.loads(build.out.metrics.read_text())
    test = [row for row in rows(build.out.predictions) if row["part"] == "test"]
    labels = [row["label"] == "CT_COVID" for row in test]
    scores = np.array([float(row["p_CT_COVID"]) for row in test])
    assert metrics["test"]["auc"]["value"] == round(roc_auc_score(labels, scores), 6)
    right = (scores >= metrics["threshold"]) == labels
    assert metrics["test"]["accuracy"]["value"] == round(right.mean(), 6)
    assert metrics["test"]["images"] == len(test)
    assert metrics["test"]["groups"] == len({row["group"] for row in test})


@pytest.mark.parametrize("classes", [BINARY, FOUR])
def test_two_runs_write_the_same_bytes_nothing_of_an_earlier_one_stays_and_the_log_ends_with_the_scores(
    built: Callable, classes: tuple[str, ...], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build, out = built(classes), Evaluation(tmp_path / "elsewhere")
    out.figures.mkdir(parents=True)
    (out.figures / "old.png").touch()
    with caplog.at_level("INFO", logger="src"):
        again = run(build, out)
    auc = json.loads(again.metrics.read_text(encoding="utf-8"))["test"]["auc"]
    assert f"test: ROC AUC {auc['value']:.3f} ({auc['low']:.2f} to {auc['high']:.2f}), accuracy" in caplog.text
    files = {path.relative_to(build.out.folder) for path in build.out.folder.rglob("*") if path.is_file()}
    assert files == {path.relative_to(again.folder) for path in again.folder.rglob("*") if path.is_file()}
    for file in files:
        assert (again.folder / file).read_bytes() == (build.out.folder / file).read_bytes(), file


def test_all_figures_are_there(built: Callable) -> None:
    names = {path.stem for path in built(BINARY).out.figures.iterdir()}
    assert names == {
        *("confusion", "roc", "precision_recall", "scores", "calibration"),
        *("learning", "batch", "augmented", "mistakes", "examples", "counts", "intensity"),
        *("cam", "network"),
    }


@pytest.mark.parametrize("classes", [BINARY, FOUR])
def test_the_report_holds_every_score_with_its_interval(built: Callable, classes: tuple[str, ...]) -> None:
    build = built(classes)
    page = build.out.report.read_text()
    test = json.loads(build.out.metrics.read_text())["test"]
    scores = [score for score in test.values() if isinstance(score, dict) and "low" in score]
    scores += [score for entry in test.get("classes", {}).values() for score in entry.values()]
    assert len(scores) >= 11
    for score in scores:
        assert f"{score['value']:.3f}" in page
        if "low" in score:  # a score for which there is nothing to resample has none
            assert f"{score['low']:.3f} to {score['high']:.3f}" in page
    for name in classes:
        assert name in page


def test_the_report_is_one_page_that_loads_nothing(built: Callable) -> None:
    page = built(BINARY).out.report.read_text()
    assert len(re.findall(r'<img alt="[^"]+"', page)) == page.count("<img") == 14
    assert all(source.startswith("data:image/webp;base64,") for source in re.findall(r'src="([^"]{30})', page))
    assert "http" not in re.sub(r'base64,[^"]+', "", page)


def test_the_report_tells_trace_parameters_and_the_shortcut(built: Callable) -> None:
    page = built(BINARY).out.report.read_text()
    assert "abc123" in page
    assert "model.stride</dt><dd>1<" in page
    assert "preprocess.steps</dt><dd>gray, resize<" in page
    assert "AUC of 0.99" in page


def test_without_groups_audit_trace_and_history_and_with_any_class_names_there_still_is_a_report(
    tmp_path: Path,
) -> None:
    build = helpers.folders(tmp_path)
    classes = ("<b>bold</b>", 'quote"&')
    helpers.write_store(build, classes, images=40, grouped=False)
    helpers.write_model(build, classes)
    build.split.audit.unlink()
    build.model.fingerprint.unlink()
    build.model.history.write_text("epoch,loss\n", encoding="utf-8")
    page = re.sub("</?a[^>]*>", "", run(build).report.read_text())  # the words of the glossary are links
    assert "No groups are known" in page
    assert "no audit of the split" in page
    assert not (build.out.figures / "learning.png").exists()
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold" in page


def test_images_of_another_size_than_params_say_are_an_error(built: Callable) -> None:
    """As where DVC has taken the images of an earlier size for those of this one."""
    words = r"images.npy: expected images of 64x64x1, as params.yaml says .*, found 24x24x1"
    with pytest.raises(AssayError, match=words):
        run(built(BINARY), shape=(64, 64, 1))


def test_a_model_for_images_of_another_size_is_an_error(built: Callable, tmp_path: Path) -> None:
    build = built(BINARY)
    prepared = replace(build.prepared, folder=tmp_path)
    prepared.index.write_bytes(build.prepared.index.read_bytes())
    np.save(prepared.images, np.zeros((120, 9, 9, 1), np.uint8))
    with pytest.raises(AssayError, match=r"model.keras: expected images of 9x9x1, as params.yaml .* found 24x24x1"):
        run(replace(build, prepared=prepared), shape=(9, 9, 1))


def test_a_missing_model_says_what_to_run(built: Callable, tmp_path: Path) -> None:
    build = built(BINARY)
    model = replace(build.model, folder=tmp_path)
    model.classes.write_bytes(build.model.classes.read_bytes())
    with pytest.raises(AssayError, match="dvc repro train"):
        run(replace(build, model=model))


def test_the_val_part_of_an_ensemble_is_all_that_its_members_were_asked_for_without_having_learned_from_it(
    built: Callable, tmp_path: Path
) -> None:
    build, out, table = built(BINARY), Evaluation(tmp_path / "out"), tmp_path / "out_of_fold.csv"
    parts = {int(row["row"]): row["part"] for row in rows(build.split.parts)}
    known = [row for row, part in parts.items() if part != "test"]
    lines = [f"{row},{0.25 + row / 1000:.3f},{0.75 - row / 1000:.3f}" for row in known]
    table.write_text("\n".join([f"row,p_{BINARY[0]},p_{BINARY[1]}", *lines]) + "\n", encoding="utf-8")
    run(build, out, out_of_fold=table)
    val = {int(row["row"]): float(row["p_CT_COVID"]) for row in rows(out.predictions) if row["part"] == "val"}
    assert val == {row: pytest.approx(0.75 - row / 1000) for row in known}
    test = [[row for row in rows(one.predictions) if row["part"] == "test"] for one in (build.out, out)]
    assert test[0] == test[1], "test stays as the ensemble says it"


def test_an_empty_test_part_is_an_error(built: Callable, tmp_path: Path) -> None:
    build = built(BINARY)
    split = replace(build.split, folder=tmp_path)
    split.parts.write_text("row,part,group\n0,train,\n1,val,\n", encoding="utf-8")
    with pytest.raises(AssayError, match=r"split.csv: expected rows of the part test, found none"):
        run(replace(build, split=split))


@pytest.mark.parametrize("classes", [BINARY, FOUR])
def test_the_classification_report_stands_in_a_file_and_on_the_page(built: Callable, classes: tuple[str, ...]) -> None:
    from sklearn.metrics import classification_report

    build = built(classes)
    test = [row for row in rows(build.out.predictions) if row["part"] == "test"]
    metrics = json.loads(build.out.metrics.read_text())
    found = rows(build.out.classification)
    assert [row["class"] for row in found] == [*classes, "macro average", "weighted average"]
    positive = [float(row[f"p_{classes[-1]}"]) >= metrics.get("threshold", 2) for row in test]
    probable = [max(classes, key=lambda name: float(row[f"p_{name}"])) for row in test]
    taken = [classes[int(chosen)] for chosen in positive] if classes == BINARY else probable
    labels = [row["label"] for row in test]
    expected = classification_report(labels, taken, labels=list(classes), output_dict=True, zero_division=0)
    for row, name in zip(found, [*classes, "macro avg", "weighted avg"], strict=True):
        assert float(row["recall"]) == pytest.approx(expected[name]["recall"], abs=1e-6)
        assert float(row["precision"]) == pytest.approx(expected[name]["precision"], abs=1e-6)
        assert float(row["f1"]) == pytest.approx(expected[name]["f1-score"], abs=1e-6)
        assert int(row["support"]) == expected[name]["support"]
        assert (
            f'<th scope="row">{row["class"]}</th><td class="number">{float(row["precision"]):.3f}'
            in build.out.report.read_text()
        )
