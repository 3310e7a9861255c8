"""What a study found, as a table, figures and a page: complete, the same every time, and without a crash when small."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import optuna
import pytest
from matplotlib.figure import Figure
from optuna.trial import TrialState
from ruamel.yaml import YAML

from src import plotting
from src.core import paths
from src.tune import figures, study_report, trials_view, winner
from src.tune.figures import FIGURES
from src.tune.space import decode
from src.tune.trials_view import view
from src.tune.winner import Candidate, Outcome, interval
from tests.tune.helpers_studies import SPACE, study


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_for_each_trial_says_what_it_was_and_what_it_came_to(tmp_path: Path) -> None:
    found = study(8)
    trials_view.write_trials(view(found), paths.StudyFiles(tmp_path))
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
    seen = view(found)
    trials_view.write_candidates(seen, paths.StudyFiles(tmp_path))
    read = trials_view.read_candidates(paths.StudyFiles(tmp_path), ("auc", "parameters"))
    assert (read.name, read.baseline) == (found.study_name, {"train.batch_size": 32})
    assert read.goals == seen.goals
    candidates = read.trials
    complete = [trial for trial in found.trials if trial.state is TrialState.COMPLETE]
    assert [(one.number, list(one.values.values())) for one in candidates] == [
        (one.number, one.values) for one in complete
    ]
    for one, trial in zip(candidates, complete, strict=True):
        assert one.params == {key: decode(value) for key, value in trial.params.items()}
        assert {key: type(value) for key, value in one.params.items()}["train.batch_size"] is int


def based(count: int) -> optuna.Study:
    """Make a study that began with another value than any trial has."""
    found = study(count)
    found.set_user_attr("began", {"train.batch_size": 30})
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of what a study of one metric found."""
    folder = tmp_path_factory.mktemp("written")
    study_report.write(based(12), 42, paths.StudyFiles(folder))
    return folder


def test_the_same_trials_give_the_same_bytes(written: Path, tmp_path: Path) -> None:
    study_report.write(based(12), 42, paths.StudyFiles(tmp_path))
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert len(files) == 7
    for file in files:
        assert (written / file).read_bytes() == (tmp_path / file).read_bytes(), file


def test_the_page_holds_plotly_once_and_asks_for_nothing_from_elsewhere(tmp_path: Path) -> None:
    study_report.write(study(12, two=True), 42, paths.StudyFiles(tmp_path))
    page = (tmp_path / "study.html").read_text(encoding="utf-8")
    assert page.count("plotly.js v") == 1
    assert set(re.findall(r'<script src="(.*?)"', page)) == {"winner.js", "../confirmed/winner.js"}
    assert page.count('class="plotly-graph-div"') == 2 * (3 + len(SPACE)) + 1
    assert page.count("Best Value") == 2  # so far, of each metric
    assert page.count('"reversescale":false') == page.count('"reversescale":true') == 1  # of one of them more is better
    assert "json:" not in page.split("</script>", 1)[1]
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {
        "history", "importance", "slices", "parallel", "pareto",
        "history_parameters", "importance_parameters", "slices_parameters", "parallel_parameters",
    }  # fmt: skip


def test_the_page_begins_with_the_best_the_baseline_and_the_trials(written: Path) -> None:
    page = (written / "study.html").read_text(encoding="utf-8").split("</script>", 1)[1]
    best = view(study(12)).ranked()[0]
    order = [f"Best: trial {best.number}", "Baseline", "<h2>Trials", "2 more trials", "<h2>Figures", "History"]
    assert sorted(order, key=page.index) == order
    assert '"name":"Pruned"' in page
    assert page.count("<img alt=") == page.count("data:image/webp") == 4


@pytest.mark.parametrize(
    ("found", "drawn"),
    [
        (lambda: study(0), set()),
        (lambda: study(1), {"history", "slices"}),
        (lambda: study(2), {"history", "slices", "parallel"}),
        (lambda: study(5, states=lambda _: "PRUNED"), set()),
        (lambda: study(5, states=lambda _: "FAIL"), set()),
        (lambda: study(6, value=0.5), {"history", "slices", "parallel"}),
        (lambda: study(3, names=[]), {"history"}),
        (
            lambda: study(2, two=True),
            {
                "history",
                "slices",
                "parallel",
                "pareto",
                "history_parameters",
                "slices_parameters",
                "parallel_parameters",
            },
        ),
    ],
    ids=["none", "one", "two", "pruned", "failed", "all the same", "nothing varied", "two objectives"],
)
def test_a_figure_that_the_trials_are_too_few_for_is_left_out(
    found: Callable[[], optuna.Study], drawn: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        plotting, "save", lambda figure, path: path.touch()
    )  # Optuna makes each figure, nobody paints it
    study_report.write(found(), 42, paths.StudyFiles(tmp_path))
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == drawn
    left_out = (tmp_path / "study.html").read_text(encoding="utf-8").count("Left out: ")
    assert (left_out == 0) == ({"history", "importance", "slices", "parallel"} <= drawn)


def drawn(name: str, found: optuna.Study) -> Figure:
    kind = FIGURES[name]
    with plotting.applied():
        figure = figures.drawn(kind, figures.options(kind, found, "auc", 42))
        figure.canvas.draw()
    return figure


def test_history_shows_the_best_so_far_of_the_complete_trials() -> None:
    found = study(20)
    axes = drawn("history", found).axes[0]
    complete = [trial.value for trial in found.get_trials(states=(TrialState.COMPLETE,))]
    assert np.nanmax(np.asarray(axes.lines[0].get_ydata(), dtype=float)) == pytest.approx(max(complete))
    assert len(axes.collections[0].get_offsets()) == len(complete)  # type: ignore[arg-type]


def test_a_panel_for_each_parameter_in_rows_with_a_logarithmic_axis_where_it_is_one() -> None:
    figure = drawn("slices", study(20))
    panels = {axes.get_xlabel(): axes for axes in figure.axes if axes.get_xlabel()}
    assert set(panels) == set(SPACE)
    assert panels["train.learning_rate"].get_xscale() == "log"
    assert len({round(axes.get_position().y0, 3) for axes in panels.values()}) == 3
    texts = [label.get_text() for label in panels["preprocess.steps"].get_xticklabels()]
    assert texts
    assert not any("json:" in text for text in texts)


def test_the_style_of_all_figures_holds_and_nothing_is_left_open() -> None:
    from matplotlib import pyplot

    before = dict(matplotlib.rcParams)
    assert drawn("history", study(5)).axes[0].get_facecolor() == (1.0, 1.0, 1.0, 1.0)
    assert pyplot.get_fignums() == []
    assert {key for key in before if matplotlib.rcParams[key] != before[key]} <= {"backend"}
    assert "ggplot" in matplotlib.style.available


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    seen = view(study(30, two=True))
    points = np.array([[one.values["auc"], -one.values["parameters"]] for one in seen.complete()])
    beaten = [((points >= point).all(axis=1) & (points > point).any(axis=1)).any() for point in points]
    assert len(seen.front()) == len(points) - sum(beaten)
    axes = drawn("pareto", study(30, two=True)).axes[0]
    assert [len(each.get_offsets()) for each in axes.collections] == [sum(beaten), len(seen.front())]  # type: ignore[arg-type]


def test_the_winner_stands_beside_the_preset_over_the_same_seeds(tmp_path: Path) -> None:
    def rival(name: str, *scores: float) -> Candidate:
        return Candidate(name, {"model.dropout": 0.25}, {"auc": scores}, {"auc": interval(scores, 0.95)})

    best, preset = rival("trial 7", 0.8, 0.82), rival("baseline", 0.7, 0.71)
    outcome = Outcome(("auc",), (11, 12), (best,), preset, best, interval([0.1, 0.11], 0.95))
    winner.write_outcome(outcome, paths.Confirmed(tmp_path))
    assert [list(row.values()) for row in rows(tmp_path / "confirm.csv")] == [
        ["baseline", "11", "0.7"], ["baseline", "12", "0.71"], ["trial 7", "11", "0.8"], ["trial 7", "12", "0.82"],
    ]  # fmt: skip
    said = YAML(typ="safe").load(tmp_path / "best.yaml")
    assert said["winner"]["values"] == {"model.dropout": 0.25}
    assert said["winner"]["auc"]["value"] == pytest.approx(0.81)
    assert said["gain"]["value"] == pytest.approx(0.105)
    assert said["beats_baseline"] is True
