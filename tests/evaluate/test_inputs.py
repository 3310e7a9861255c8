from pathlib import Path

import numpy as np
import pytest

from src.core.errors import AssayError
from src.core.paths import Prepared, Raw
from src.evaluate import inputs
from src.evaluate.inputs import Image

INDEX = "path,label,group,fold,width\na/1.png,a,p9,,5\na/2.png,a,,,5\nb/3.png,b,,,5\n"
IMAGES = [Image(0, "train", "a/1.png", "a", "p1"), Image(2, "test", "b/3.png", "b", "p2")]


def write(
    folder: Path, index: str = INDEX, parts: str = "row,part,group\n2,test,p2\n0,train,p1\n"
) -> tuple[Path, Path]:
    paths = folder / "index.csv", folder / "split.csv"
    for path, text in zip(paths, (index, parts), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def test_images_come_with_their_part_and_the_group_of_the_split_in_the_order_of_the_store(tmp_path: Path) -> None:
    assert inputs.read_images(*write(tmp_path)) == IMAGES


def test_a_row_that_the_store_does_not_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"split.csv: expected rows below 3.*found 3"):
        inputs.read_images(*write(tmp_path, parts="row,part,group\n3,test,\n"))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"index.csv: expected the columns path, label, found path, group"):
        inputs.read_images(*write(tmp_path, index="path,group\na/1.png,p\n"))
    with pytest.raises(AssayError, match=r"split.csv: expected the columns row, part, group, found row, part$"):
        inputs.read_images(*write(tmp_path, parts="row,part\n0,test\n"))


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="dvc repro"):
        inputs.read_images(tmp_path / "index.csv", tmp_path / "split.csv")


@pytest.mark.parametrize("text", ['["a"]', '{"a": 1}', "[1, 2]"])
def test_classes_that_are_no_list_of_names_are_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "classes.json").write_text(text, encoding="utf-8")
    with pytest.raises(AssayError, match=r"classes.json: expected a list of two or more class names"):
        inputs.read_classes(tmp_path / "classes.json")


def test_a_label_that_the_model_does_not_know_names_the_image() -> None:
    with pytest.raises(AssayError, match=r"b/3.png: expected one of the model's classes, found 'b'"):
        inputs.score(IMAGES, np.full((2, 2), 0.5), ("a", "c"))


def test_a_model_with_other_outputs_than_classes_is_an_error() -> None:
    with pytest.raises(AssayError, match="expected 2 outputs for a, b, found 3"):
        inputs.score(IMAGES, np.full((2, 3), 1 / 3), ("a", "b"))


def test_images_without_group_are_groups_of_their_own() -> None:
    images = [Image(row, "test", f"{row}", "a", group) for row, group in enumerate(["p", "", "p", ""])]
    scored = inputs.score(images, np.full((4, 2), 0.5), ("a", "b"))
    assert scored.groups.tolist() == [0, 1, 0, 2]
    assert scored.group_count == 3


def test_predictions_hold_a_probability_column_for_every_class(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    inputs.write_predictions(path, IMAGES, np.array([[0.25, 0.75], [1.0, 0.0]]), ("a", "b, c"))
    assert path.read_bytes().decode() == (
        'row,part,path,label,group,p_a,"p_b, c"\n'
        "0,train,a/1.png,a,p1,0.25000000,0.75000000\n"
        "2,test,b/3.png,b,p2,1.00000000,0.00000000\n"
    )


def test_a_table_has_six_decimals_and_an_empty_cell_where_nothing_can_be_told(tmp_path: Path) -> None:
    inputs.write_table(tmp_path / "a.csv", ("class", "recall", "support"), [("a", 1 / 3, 2), ("b", float("nan"), 0)])
    assert (tmp_path / "a.csv").read_text() == "class,recall,support\na,0.333333,2\nb,,0\n"


def test_images_and_groups_are_counted_by_part_and_label() -> None:
    images = [Image(row, "test", "", "a", group) for row, group in enumerate(["p", "p", "", "q"])]
    assert inputs.count(images) == {("test", "a"): (4, 2)}


def test_a_cell_of_the_history_that_is_no_number_is_nan(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,val_auc\n1,0.5,\n2,0.4,0.7\n", encoding="utf-8")
    history = inputs.read_columns(path, "epoch")
    assert history["loss"] == [0.5, 0.4]
    assert np.isnan(history["val_auc"][0])


def test_rejected_images_and_files_that_were_left_out_are_counted_with_their_reasons(tmp_path: Path) -> None:
    write(tmp_path)
    rejected = "path,label,reason\n" + "".join(f"a/{number}.png,a,truncated\n" for number in range(4))
    (tmp_path / "rejected.csv").write_text(rejected, encoding="utf-8")
    table = "kind,reason,files,example\nHEIC,no decoder,20,a/1.HEIC\njunk,hidden,3,\n"
    (tmp_path / "left_out.csv").write_text(table, encoding="utf-8")
    found = inputs.read_losses(Raw(tmp_path), Prepared(tmp_path))
    assert found.lines == [
        "3 of 7 images, 4 rejected (rejected.csv): a/0.png: truncated; a/1.png: truncated; a/2.png: truncated; "
        "and 1 more",
        "left out of the source: HEIC 20 (no decoder)",
    ]
    assert (found.rejected, found.left_out) == (4, 23)
    nothing = tmp_path / "nothing"
    assert inputs.read_losses(Raw(nothing), Prepared(nothing)) == ([], 0, 0)
