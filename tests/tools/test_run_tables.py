"""Tables of runs: each kind of split of a preset in its column, each comparison of runs that differ, from real runs."""

import shutil
import sys
from pathlib import Path

import pytest

from src import presets
from src.core.errors import AssayError
from src.presets import Preset
from src.tracking import mlflow_store, mlflow_writer
from src.tracking.query import Run
from src.tracking.record import LoggedDataset
from src.tracking.run_description import values
from tests.conftest import ROOT
from tools import run_tables
from tools.run_tables import COMPARISONS, HONEST, KINDS, OFFICIAL, RANDOM, variants

BLOOD, MALARIA = (presets.read(name, ROOT) for name in ("blood_cnn", "malaria_cnn"))


def run(preset: Preset, start: int = 0, groups: int = 7, data: str = "real.zip", **changes: str) -> Run:
    """Give a run of a preset; changes: of parameters, __ standing for the dot."""
    params = values(preset.params) | {key.replace("__", "."): value for key, value in changes.items()}
    tags = {"fingerprint": f"{start}", "data.name": data}
    metrics = {"test_accuracy": 0.9 + start / 1000, "test_auc": 0.95, "test_auc_low": 0.9, "test_auc_high": 0.99}
    counts = {"test.images": 50, "test.groups": groups}
    return Run(f"run{start}", "a name", preset.name, start, params, tags, metrics, counts)


def cells(rows: list[run_tables.Row]) -> dict[str, str]:
    assert len(rows) == 1
    return {kind: rows[0][kind] for kind in KINDS}


def test_each_kind_of_split_has_its_column() -> None:
    runs = [
        run(MALARIA, 1, split__by="image", split__folds="ignore"),
        run(MALARIA, 2, split__by="group", split__folds="ignore"),
        run(MALARIA, 3, split__by="group", split__folds="respect"),
    ]
    found = cells(run_tables.rows([MALARIA], runs))
    assert found[RANDOM] == "accuracy 0.901<br>AUC 0.950 [0.90, 0.99]<br>n 50 of 7 groups"
    assert found[HONEST].startswith("accuracy 0.902")
    assert found[OFFICIAL].startswith("accuracy 0.903")


def test_a_split_by_group_without_known_groups_is_a_random_one() -> None:
    found = cells(run_tables.rows([BLOOD], [run(BLOOD, groups=0, split__by="group", split__folds="ignore")]))
    assert found[HONEST] == "-"
    assert found[RANDOM].endswith("n 50")


def test_groups_that_lookalike_found_are_groups() -> None:
    found = cells(run_tables.rows([BLOOD], [run(BLOOD, groups=0, split__by="lookalike", split__folds="ignore")]))
    assert found[RANDOM] == "-"
    assert found[HONEST] != "-"


def test_the_newest_run_counts() -> None:
    runs = [run(MALARIA, start, split__folds="ignore") for start in (5, 9, 7)]
    assert "0.909" in cells(run_tables.rows([MALARIA], runs))[HONEST]


@pytest.mark.parametrize(
    "changes", [{"train__epochs": "1"}, {"seed": "7"}, {"model__dropout": "0.9"}, {"split__test": "0.3"}]
)
def test_a_run_with_other_settings_is_no_run_of_the_preset(changes: dict[str, str]) -> None:
    assert set(cells(run_tables.rows([MALARIA], [run(MALARIA, 1, **changes)])).values()) == {"-"}


def test_a_run_from_before_a_parameter_was_there_still_counts() -> None:
    old = run(MALARIA, 1)
    params = {key: value for key, value in old.params.items() if key != "train.label_smoothing"}
    assert cells(run_tables.rows([MALARIA], [Run(**vars(old) | {"params": params})]))[HONEST] != "-"


def test_samples_count_only_where_they_are_asked_for() -> None:
    runs = [run(MALARIA, 1, data="malaria")]
    assert cells(run_tables.rows([MALARIA], runs))[HONEST] == "-"
    assert cells(run_tables.rows([MALARIA], runs, ["malaria"]))[HONEST] != "-"


def test_each_data_set_has_a_row_and_a_preset_without_runs_as_well() -> None:
    rows = run_tables.rows([BLOOD, MALARIA], [run(MALARIA, 1, data="a.zip"), run(MALARIA, 2, data="b.zip")])
    assert [(row["preset"], row["data"]) for row in rows] == [
        ("`blood_cnn`", "-"), ("`malaria_cnn`", "a.zip"), ("`malaria_cnn`", "b.zip")
    ]  # fmt: skip
    assert rows[1]["published"].startswith("accuracy 0.944 on 2,756 images")
    assert rows[1]["picture"] == "70x70 gray"


def test_a_source_without_folds_has_no_test_part_of_its_own() -> None:
    assert list(variants(MALARIA.params)) == [RANDOM, HONEST]
    assert list(variants(BLOOD.params)) == list(KINDS)


def test_commands_quote_the_archive_and_name_each_split(tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / "malaria_cells.zip").touch()
    found = run_tables.archives([MALARIA], folder)
    assert list(run_tables.preset_commands([MALARIA], found)) == [
        f"python -m src.reproduce malaria_cnn --source '{folder}/malaria_cells.zip' "
        f"--set split.by={by} split.folds=ignore"
        for by in ("image", "group")
    ]
    with pytest.raises(AssayError, match=r"expected one archive or folder blood_cells\* for blood_cnn, found none"):
        run_tables.archives([BLOOD], folder)


def test_the_table_is_written_from_a_real_database(
    tmp_path: Path, made_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path
    monkeypatch.chdir(home)
    shutil.copytree(ROOT / "presets", home / "presets")
    shutil.copyfile(made_database, home / mlflow_store.DATABASE)
    with mlflow_store.connected(home) as client:
        number = mlflow_store.experiment(client, "malaria_cnn", home)
        made = client.create_run(number)
        for key, value in values(MALARIA.params).items():
            client.log_param(made.info.run_id, key, value)
        for key, value in {"fingerprint": "t", "train": "complete 1", "data.name": "malaria_cells.zip"}.items():
            client.set_tag(made.info.run_id, key, value)
        counted = LoggedDataset("malaria_cells.zip", "d", "s", {"test.images": 400, "test.groups": 11})
        mlflow_writer._log_dataset(client, made.info.run_id, counted)
        client.log_metric(made.info.run_id, "test_accuracy", 0.9375)
        client.set_terminated(made.info.run_id)
    (home / "docs").mkdir()
    (home / "docs/presets.md").write_text("a\n<!-- runs -->\nold\n<!-- /runs -->\nb\n")
    monkeypatch.setattr(sys, "argv", ["run_tables", "presets", "--write"])
    run_tables.main()
    page = (home / "docs/presets.md").read_text()
    assert "| malaria_cells.zip | 70x70 gray |" in page
    assert "| - | accuracy 0.938<br>AUC -<br>n 400 of 11 groups | - |" in page
    assert page.endswith("Written by `python -m tools.run_tables presets --write`.\n<!-- /runs -->\nb\n")
    assert page.count("\n| `") == len(presets.names(home))


@pytest.mark.parametrize("content", ["x", "<!-- runs -->"])
def test_a_document_without_markers_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "page.md").write_text(content)
    with pytest.raises(AssayError, match=r"expected the lines .*, found no <!-- /?runs -->"):
        run_tables.insert(tmp_path / "page.md", "| new |")


@pytest.mark.parametrize("name", COMPARISONS)
def test_the_runs_of_a_comparison_differ_and_have_a_place_on_its_page(name: str) -> None:
    preset, shared, runs = COMPARISONS[name]
    made = [presets.made(preset, None, presets.given([f"{shared} {run}"]), ROOT)[1] for run in runs]
    assert len({repr(params) for params in made}) == len(runs) > 1
    assert f"<!-- runs: {name} -->\n" in (ROOT / "docs/comparisons.md").read_text(encoding="utf-8")


def test_the_commands_of_the_comparisons_name_an_archive_with_spaces_and_every_run() -> None:
    lines = list(run_tables.comparison_commands([], dict.fromkeys(presets.names(ROOT), Path("my data/all.zip"))))
    assert len(lines) == sum(len(each.runs) for each in COMPARISONS.values())
    assert lines[0].startswith("python -m src.reproduce pneumonia_separable --source 'my data/all.zip' --set ")
