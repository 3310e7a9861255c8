from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from src import plotting
from src.core import registry
from src.evaluate import gallery
from src.evaluate.figures import dataset, discrimination, examples, learning, probabilities
from src.evaluate.gallery import Training
from src.evaluate.inputs import Image, Listed
from src.evaluate.results import Results, Rules, compute
from src.metrics.bootstrap import interpolate, roc_band
from tests import sections
from tests.evaluate import helpers

RULES = Rules("youden", 0.95, 200, 42)


@pytest.fixture(autouse=True)
def _style() -> Iterator[None]:
    with plotting.applied():
        yield


@pytest.fixture(scope="module")
def two() -> Results:
    return compute(helpers.random(200, 2), helpers.random(60, 2, 1), RULES)


@pytest.fixture(scope="module")
def eight() -> Results:
    return compute(helpers.random(400, 8), helpers.random(100, 8, 1), RULES)


def data(axes, label: str) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    found = next(line for line in axes.lines if str(line.get_label()).startswith(label))
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def test_roc_draws_the_curve_that_sklearn_finds(two: Results) -> None:
    x, y = data(discrimination.roc(two).axes[0], "b:")
    false, true, _ = roc_curve(two.test.labels, two.test.probabilities[:, 1], drop_intermediate=False)
    assert x == pytest.approx(false)
    assert y == pytest.approx(true)


def test_roc_marks_where_the_threshold_puts_us_on_the_curve(two: Results) -> None:
    axes = discrimination.roc(two).axes[0]
    place = [values[0] for values in data(axes, "threshold")]
    assert any(np.allclose(place, point) for point in zip(*data(axes, "b:"), strict=True))


def test_roc_names_area_and_interval(two: Results) -> None:
    score = two.estimates.scores[("auc",)]
    labels = [text.get_text() for text in discrimination.roc(two).axes[0].get_legend().get_texts()]
    assert f"b: AUC {score.value:.2f} ({score.low:.2f} to {score.high:.2f})" in labels


def test_precision_recall_draws_the_curve_that_sklearn_finds(two: Results) -> None:
    x, y = data(discrimination.precision_recall(two).axes[0], "b:")
    precision, recall, _ = precision_recall_curve(two.test.labels, two.test.probabilities[:, 1])
    assert x[1:] == pytest.approx(recall[-2::-1])
    assert y[1:] == pytest.approx(precision[-2::-1])


def test_precision_recall_has_the_share_of_cases_as_chance(two: Results) -> None:
    _, y = data(discrimination.precision_recall(two).axes[0], "chance")
    assert y[0] == pytest.approx(two.test.labels.mean())


def test_the_band_holds_the_curve(two: Results) -> None:
    test = two.test
    score = test.probabilities[:, 1]
    grid, low, high = roc_band(test.labels == 1, score, test.groups, 0.95, 300, np.random.default_rng(0))
    x, y = data(discrimination.roc(two).axes[0], "b:")
    drawn = interpolate(grid, x, y)
    assert (low <= drawn).all()
    assert (drawn <= high).all()
    assert (high - low).max() > 0.1
    assert (np.diff(low) >= 0).all()


def test_every_one_of_eight_classes_has_its_own_line(eight: Results) -> None:
    for figure in (discrimination.roc(eight), discrimination.precision_recall(eight)):
        lines = [line for line in figure.axes[0].lines if str(line.get_label()) != "chance"]
        assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 8


def test_a_class_that_is_absent_has_no_curve() -> None:
    scored = helpers.scored([0, 1, 0, 1], np.full((4, 3), 1 / 3))
    labels = [str(line.get_label()) for line in discrimination.roc(compute(scored, scored, RULES)).axes[0].lines]
    assert not any(label.startswith("c:") for label in labels)


def test_a_single_class_leaves_the_curves_empty_but_drawn() -> None:
    found = compute(helpers.binary([0, 0], [0.1, 0.2]), helpers.random(40, 2), RULES)
    assert len(discrimination.roc(found).axes[0].lines) == 1
    assert discrimination.precision_recall(found).axes[0].get_xlabel()


def test_confusion_shows_counts_and_percent_of_each_row(two: Results) -> None:
    left, right = discrimination.confusion(two.test.labels, two.decisions, two.test.classes).axes[:2]
    matrix = confusion_matrix(two.test.labels, two.decisions)
    assert [text.get_text() for text in left.texts] == [str(value) for value in matrix.ravel()]
    percent = 100 * matrix / matrix.sum(axis=1, keepdims=True)
    assert [text.get_text() for text in right.texts] == [f"{value:.0f} %" for value in percent.ravel()]


def test_learning_shows_train_beside_val_and_the_best_epoch() -> None:
    history = {"epoch": [1.0, 2, 3], "loss": [3.0, 2, 1], "val_loss": [2.0, 1, 1], "auc": [0.5, 0.6, 0.7]}
    figure = learning.curves(history)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Loss", "ROC AUC"]
    assert data(figure.axes[0], "train")[1].tolist() == [3, 2, 1]
    assert data(figure.axes[0], "val")[1].tolist() == [2, 1, 1]
    assert data(figure.axes[0], "best epoch (2)")[0].tolist() == [2, 2]


def test_learning_rings_the_value_on_val_at_the_best_epoch_in_every_panel() -> None:
    names = ("loss", "accuracy", "auc", "precision", "recall")
    history = {"epoch": [1.0, 2, 3], "val_loss": [2.0, 1, 3]} | {name: [0.1, 0.2, 0.3] for name in names}
    history |= {f"val_{name}": [0.4, 0.5, 0.6] for name in names[1:]}
    figure = learning.curves(history)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Loss",
        "Accuracy",
        "ROC AUC",
        "Precision",
        "Recall",
    ]
    rings = [(line.get_xdata()[0], line.get_ydata()[0]) for axes in figure.axes for line in axes.lines[-1:]]
    assert rings == [(2, 1), *[(2, 0.5)] * 4]
    assert figure.axes[3].get_title(loc="right") == "val 0.500 at best"


@pytest.mark.parametrize(("rates", "panels"), [([0.1, 0.1], ["Loss"]), ([0.1, 0.05], ["Loss", "Learning rate"])])
def test_learning_shows_the_rate_where_it_changes(rates: list[float], panels: list[str]) -> None:
    figure = learning.curves({"epoch": [1.0, 2], "loss": [2.0, 1], "learning_rate": rates})
    assert [axes.get_title(loc="left") for axes in figure.axes] == panels
    assert figure.axes[-1].lines[0].get_ydata().tolist() == (rates if len(panels) == 2 else [2, 1])


def test_learning_does_without_validation() -> None:
    assert learning.best_epoch({"epoch": [1.0], "val_loss": [float("nan")]}) is None
    assert len(learning.curves({"epoch": [1.0], "loss": [0.5]}).axes) == 1


def test_counts_show_images_and_groups_of_each_part() -> None:
    figure = dataset.counts({("train", "a"): (30, 10), ("test", "b"): (7, 0)}, ("a", "b"))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["30 of 10 groups", "0", "0", "0", "0", "7"]


def test_counts_show_what_the_source_lists_also_of_classes_without_an_image() -> None:
    listed = [Listed("a", 37, 20), Listed("basophil", 0, 3)]
    figure = dataset.counts({("train", "a"): (30, 0), ("test", "b"): (7, 0)}, ("a", "b"), listed)
    below = figure.axes[1]
    assert [text.get_text() for text in below.get_yticklabels()] == ["a", "basophil"]
    assert [text.get_text() for text in below.texts] == ["37", "0", "20", "3"]


def test_calibration_draws_frequency_against_probability() -> None:
    scored = helpers.binary([1, 0, 1, 1], [0.75, 0.75, 0.75, 0.95])
    x, y = data(probabilities.calibration(scored, scored.decide(0.5), 0.1).axes[0], "model")
    assert x == pytest.approx([0.75, 0.95])
    assert y == pytest.approx([2 / 3, 1])


def test_scores_mark_the_threshold(two: Results) -> None:
    assert data(probabilities.scores(two.test, 0.37).axes[0], "threshold")[0].tolist() == [0.37, 0.37]


@pytest.mark.parametrize(
    ("scores", "threshold", "shown"),
    [
        ([0.48, 0.52], 0.5, (0.4, 0.6)),
        ([1.0, 1.0], 0.95, (0.9, 1)),
        ([0.5, 0.5], 0.5, (0.4, 0.6)),
        ([0.2, 0.9], 0.5, (0, 1)),
    ],
)
def test_scores_of_a_hesitant_model_are_enlarged(
    scores: list[float], threshold: float, shown: tuple[float, float]
) -> None:
    figure = probabilities.scores(helpers.binary([0, 1], scores), threshold)
    assert figure.axes[0].get_xlim() == pytest.approx(shown)


def test_scores_leave_room_for_a_class_that_is_absent() -> None:
    figure = probabilities.scores(helpers.scored([0, 1], np.full((2, 3), 1 / 3)), None)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["a (1)", "b (1)", "c (0)"]


def test_the_worst_mistakes_are_those_that_held_the_truth_for_least_probable() -> None:
    scored = helpers.binary([1, 0, 1, 0, 1], [0.4, 0.9, 0.05, 0.1, 0.8])
    assert examples.worst(scored, scored.decide(0.5), 2).tolist() == [2, 1]


def test_no_mistake_no_sheet() -> None:
    scored = helpers.binary([0, 1], [0.1, 0.9])
    assert examples.mistakes(scored, scored.decide(0.5), np.zeros((2, 8, 8, 1), np.uint8), 12) is None


@pytest.mark.parametrize("channels", [1, 3])
def test_sheets_show_gray_and_colour_images(channels: int) -> None:
    pixels = np.full((4, 8, 8, channels), 90, np.uint8)
    images = [Image(row, "train", f"{row}.png", "ab"[row % 2], "") for row in range(4)]
    scored = helpers.binary([1, 1], [0.1, 0.2])
    drawn = (
        examples.augmented(images, pixels, sections.augment(rotation=40), 42),
        examples.batch(images, pixels, ("a", "b"), Training(sections.augment(rotation=40), 4, "none"), 42),
        examples.examples(images, pixels, ("a", "b")),
        examples.mistakes(scored, scored.labels * 0, pixels, 9),
    )
    for sheet in drawn:
        assert sheet is not None
        assert (sheet == 90).all(axis=2).any()


def test_augmented_images_are_those_that_training_sees() -> None:
    from src.train.data import Batches, Part

    pixels = np.random.default_rng(0).integers(256, size=(6, 16, 16, 1)).astype(np.uint8)
    section = sections.augment(rotation=30, shift=0.1, zoom=0.2, flip="horizontal", brightness=0.2, contrast=0.3)
    part = Part(np.arange(6), np.arange(6))
    seen = {
        int(t): x for xs, ts in Batches(pixels, part, 6).augmented(section, 7, 2) for x, t in zip(xs, ts, strict=True)
    }
    ours = examples._augmented(pixels[4], section, examples.draws(7, 2, 6)[4:5])
    assert np.abs(ours - seen[4]).max() <= 0.5


@pytest.mark.parametrize("balance", ["none", "oversample", "undersample"])
def test_the_batch_is_the_first_one_of_the_training(monkeypatch: pytest.MonkeyPatch, balance: str) -> None:
    from src.train.data import Batches, Part

    pixels = np.random.default_rng(0).integers(256, size=(9, 16, 16, 3)).astype(np.uint8)
    images = [Image(row, "train", f"{row}.png", "aab"[row % 3], "") for row in range(9) if row != 4]
    section = sections.augment(rotation=30, brightness=0.2)
    part = Part(np.array([0, 1, 2, 3, 5, 6, 7, 8]), np.array([1, 1, 0, 1, 0, 1, 1, 0]))
    expected, targets = next(Batches(pixels, part, 5).augmented(section, 42, 1, balance))
    cells: list[tuple[np.ndarray, str]] = []
    monkeypatch.setattr(examples, "sheet", lambda rows, **_: cells.extend(cell for row in rows for cell in row))
    examples.batch(images, pixels, ("b", "a"), Training(section, 5, balance), 42)
    assert [name for _, name in cells] == ["ba"[target] for target in targets]
    for (shown, _), pixel in zip(cells, expected, strict=True):
        assert np.abs(shown - pixel).max() <= 0.5


def test_an_example_is_shown_of_each_class_that_train_has() -> None:
    images = [Image(row, "train", f"{9 - row}.png", "aab"[row % 3], "") for row in range(9)]
    chosen = examples.in_the_middle(images, ("a", "b", "c"))
    assert [image and image.label for image in chosen] == ["a", "b", None]
    assert examples.in_the_middle(images[::-1], ("a", "b", "c")) == chosen
    assert examples.examples([], np.zeros((0, 8, 8, 1), np.uint8), ("a", "b")) is None


def test_intensity_shows_the_share_of_each_level_before_and_after() -> None:
    shares = {f"before_{name}": [0.0] * 256 for name in ("red", "green", "blue")} | {"after_gray": [1 / 256] * 256}
    shares["before_red"][8:12] = [0.25] * 4
    before, after = dataset.intensity(shares).axes
    drawn = {
        patch.get_label(): patch.get_data().values for patch in before.patches if patch.get_label() in dataset.STYLES
    }
    assert set(drawn) == {"red", "green", "blue"}
    assert drawn["red"].tolist() == [0, 0, 100, *[0] * 61]
    assert not drawn["blue"].any()
    assert after.patches[-1].get_data().values == pytest.approx(np.full(64, 100 / 64))


def test_augmented_takes_classes_in_turn() -> None:
    images = [Image(row, "train", "", label, "") for row, label in enumerate("aaaab")]
    assert [image.label for image in examples.in_turn(images)] == ["a", "b", "a", "a"]


def test_a_dollar_sign_and_a_long_name_are_drawn_as_they_are() -> None:
    classes = ("$a_b$", "a" * 80)
    figure = discrimination.confusion(np.array([0, 1]), np.array([0, 1]), classes)
    assert figure.axes[0].get_yticklabels()[0].get_text() == "$a_b$"
    figure.canvas.draw()


def test_names_that_differ_in_the_middle_only_stay_different() -> None:
    names = [f"{'x' * 40}{letter}{'y' * 40}" for letter in "abcdefgh"]
    assert len(set(plotting.shorten_all(names))) == 8


def test_a_file_in_figures_is_all_that_a_new_figure_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = (
        "from src.evaluate.gallery import FigureEntry\n"
        "FIGURES = (FigureEntry(5, 'mine', 'Mine', 'My own.', lambda _: None),)\n"
    )
    (tmp_path / "mine.py").write_text(source)
    package = registry.importlib.import_module("src.evaluate.figures")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    known = registry.names("evaluate.figures")
    monkeypatch.setattr(registry, "names", lambda _: (*known, "mine"))
    assert [entry.name for entry in gallery.entries()][:2] == ["mine", "confusion"]


def test_files_are_the_same_whatever_the_persons_own_settings(tmp_path: Path, two: Results) -> None:
    import matplotlib

    plotting.save(discrimination.roc(two), tmp_path / "one.png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "text.usetex": False}), plotting.applied():
        plotting.save(discrimination.roc(two), tmp_path / "two.png")
    one, two_ = (tmp_path / "one.png").read_bytes(), (tmp_path / "two.png").read_bytes()
    assert one == two_
    assert b"Software" not in one
    assert b"tIME" not in one
