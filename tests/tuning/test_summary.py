"""What a study found, as a table, figures and a page: complete, the same every time, and without a crash when small."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from ruamel.yaml import YAML

from src import paths
from src.evaluation.figures import style
from src.tuning import summary, tables
from src.tuning.figures import NotDrawn, history, importance, parallel, pareto, scales, slices
from src.tuning.outcome import Outcome, Rival, interval
from src.tuning.seen import look
from src.tuning.space import decode
from tests.tuning.studies import SPACE, study


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_for_each_trial_says_what_it_was_and_what_it_came_to(tmp_path: Path) -> None:
    found = study(8)
    tables.write_trials(look(found), paths.Study(tmp_path))
    table = rows(tmp_path / "trials.csv")
    assert [row["state"] for row in table[:6]] == ["complete", "complete", "pruned", "complete", "complete", "failed"]
    assert float(table[0]["auc"]) == pytest.approx(found.trials[0].value, rel=1e-7)
    assert (table[0]["epochs"], table[0]["best_epoch"]) == ("10", "7")
    assert (table[5]["auc"], table[5]["reason"]) == ("", "the loss is no number")
    assert table[0]["preprocess.steps"].startswith('["gray"')
    assert set(SPACE) <= set(table[0])


def test_candidates_are_the_complete_trials_with_exact_values(tmp_path: Path) -> None:
    found = study(20, two=True)
    found.set_user_attr("began", {"train.batch_size": 32})
    seen = look(found)
    tables.write_candidates(seen, paths.Study(tmp_path))
    name, preset, candidates = tables.read_candidates(paths.Study(tmp_path))
    assert (name, preset) == (found.study_name, {"train.batch_size": 32})
    complete = [trial for trial in found.trials if trial.state is TrialState.COMPLETE]
    assert [(one.number, one.scores) for one in candidates] == [(one.number, tuple(one.values)) for one in complete]
    for one, trial in zip(candidates, complete, strict=True):
        assert one.values == {key: decode(value) for key, value in trial.params.items()}
        assert {key: type(value) for key, value in one.values.items()}["train.batch_size"] is int


def test_the_same_trials_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        summary.write(study(12), 42, paths.Study(tmp_path / name))
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) == 7
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_the_page_holds_plotly_once_and_asks_for_nothing_from_elsewhere(tmp_path: Path) -> None:
    summary.write(study(12, two=True), 42, paths.Study(tmp_path))
    page = (tmp_path / "study.html").read_text(encoding="utf-8")
    assert page.count("plotly.js v") == 1
    assert "<script src" not in page
    assert page.count('class="plotly-graph-div"') == 9
    assert page.count("Best Value") == 2  # so far, of each metric
    assert page.count('"reversescale":false') == page.count('"reversescale":true') == 1  # of one of them more is better
    assert "json:" not in page.split("</script>", 1)[1]
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {
        "history", "importance", "slices", "parallel", "pareto",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("found", "drawn"),
    [
        (lambda: study(0), set()),
        (lambda: study(1), {"history", "slices"}),
        (lambda: study(2), {"history", "slices", "parallel"}),
        (lambda: study(5, states=lambda _: "PRUNED"), set()),
        (lambda: study(5, states=lambda _: "FAIL"), set()),
        (lambda: study(6, names=["model.dropout"]), {"history", "importance", "slices", "parallel"}),
        (lambda: study(6, value=0.5), {"history", "slices", "parallel"}),
        (lambda: study(3, names=[]), {"history"}),
        (lambda: study(2, two=True), {"history", "slices", "parallel", "pareto"}),
    ],
    ids=["none", "one", "two", "pruned", "failed", "one parameter", "all the same", "nothing varied", "two objectives"],
)
def test_a_figure_that_the_trials_are_too_few_for_is_left_out(
    found: Callable[[], optuna.Study], drawn: set[str], tmp_path: Path
) -> None:
    summary.write(found(), 42, paths.Study(tmp_path))
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == drawn
    left_out = (tmp_path / "study.html").read_text(encoding="utf-8").count("Left out: ")
    assert (left_out == 0) == ({"history", "importance", "slices", "parallel"} <= drawn)


def test_history_shows_the_best_so_far_and_marks_what_was_pruned_or_failed() -> None:
    found = study(20)
    with style.applied():
        axes = history.draw(look(found)).axes[0]
    best = np.asarray(axes.lines[0].get_ydata())
    complete = [trial.value for trial in found.get_trials(states=(optuna.trial.TrialState.COMPLETE,))]
    assert best[:-1] == pytest.approx(np.maximum.accumulate(complete))
    sizes = {item.get_label(): len(item.get_offsets()) for item in axes.collections}  # type: ignore[arg-type]
    assert sizes == {"complete": len(complete), "pruned": 5, "failed": 1}


def test_importance_finds_the_parameter_that_decides() -> None:
    found = study(40)
    [shares] = importance.shares(found, look(found), 42).values()
    assert next(iter(shares)) == "train.learning_rate"
    assert sum(shares.values()) == pytest.approx(1)


def test_a_logarithmic_parameter_has_a_logarithmic_axis_with_plain_numbers() -> None:
    with style.applied():
        figure = slices.draw(look(study(20)))
        figure.canvas.draw()
    axes = next(each for each in figure.axes if each.get_xlabel() == "train.learning_rate")
    assert axes.get_xscale() == "log"
    assert axes.get_xlim()[0] < 1e-5 < 1e-2 < axes.get_xlim()[1]
    assert "0.001" in [label.get_text() for label in axes.get_xticklabels()]
    assert sum(bool(each.get_xlabel()) for each in figure.axes) == len(SPACE)


def test_a_line_passes_beside_an_axis_that_its_trial_has_no_value_on() -> None:
    seen = look(study(20))
    with style.applied():
        axes = parallel.draw(seen).axes[0]
    place = list(seen.space).index("train.momentum")
    absent = [line for line in axes.lines if len(line.get_ydata()) > place and line.get_ydata()[place] < 0]
    without = [one for one in seen.trials if one.state != "failed" and "train.momentum" not in one.params]
    assert len(absent) == len(without)


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    seen = look(study(30, two=True))
    points = np.array([[one.values["auc"], -one.values["parameters"]] for one in seen.having("complete")])
    beaten = [((points >= point).all(axis=1) & (points > point).any(axis=1)).any() for point in points]
    assert len(seen.front()) == len(points) - sum(beaten)
    with style.applied():
        figure = pareto.draw(seen)
        figure.canvas.draw()
    assert len(figure.axes[0].lines[0].get_xdata()) == len(seen.front())
    assert "100 k" in [label.get_text() for label in figure.axes[0].get_xticklabels()]
    with pytest.raises(NotDrawn):
        pareto.draw(look(study(3)))


def test_the_axis_of_a_parameter_runs_over_what_it_may_be() -> None:
    rate = scales.Scale.of(SPACE["train.learning_rate"])
    assert rate.share(1e-3) == pytest.approx(2 / 3)
    assert [label for _, label in rate.ticks()] == ["1e-05", "0.0001", "0.001", "0.01"]
    assert scales.place(["gray", "resize"], SPACE["preprocess.steps"]) == 1


def test_the_winner_stands_beside_the_preset_over_the_same_seeds(tmp_path: Path) -> None:
    def rival(name: str, *scores: float) -> Rival:
        return Rival(name, {"model.dropout": 0.25}, {"auc": scores}, {"auc": interval(scores, 0.95)})

    best, preset = rival("trial 7", 0.8, 0.82), rival("preset", 0.7, 0.71)
    outcome = Outcome(("auc",), (11, 12), (best,), preset, best, interval([0.1, 0.11], 0.95), True)
    tables.write_outcome(outcome, paths.Confirmed(tmp_path))
    assert [list(row.values()) for row in rows(tmp_path / "confirm.csv")] == [
        ["preset", "11", "0.7"], ["preset", "12", "0.71"], ["trial 7", "11", "0.8"], ["trial 7", "12", "0.82"],
    ]  # fmt: skip
    said = YAML(typ="safe").load(tmp_path / "best.yaml")
    assert said["winner"]["values"] == {"model.dropout": 0.25}
    assert said["winner"]["auc"]["value"] == pytest.approx(0.81)
    assert said["gain"]["value"] == pytest.approx(0.105)
    assert said["beats_preset"] is True
