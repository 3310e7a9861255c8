"""The end and history.csv follow from the rows alone."""

from pathlib import Path

from src.core.paths import ModelFiles
from src.train import history


def rows(*losses: float) -> list[history.Row]:
    train = {"loss": 0.5, "accuracy": 0.75, "auc": 2 / 3, "precision": 0.25, "recall": 1.0}
    others = train | {f"val_{name}": 0.5 for name in train} | {"learning_rate": 1e-4}
    return [{**others, "epoch": number, "val_loss": loss} for number, loss in enumerate(losses, start=1)]


def test_patience_counts_the_epochs_since_the_best_one() -> None:
    assert not history.stops_early([], 1)
    assert not history.stops_early(rows(0.9, 0.5, 0.7), 2)
    assert history.stops_early(rows(0.9, 0.5, 0.7, 0.5), 2)
    assert not history.stops_early(rows(0.1, 0.5, 0.7, 0.5), 2, start=3)
    assert history.stops_early(rows(0.1, 0.5, 0.7, 0.5), 2, start=2)


def test_without_a_val_part_patience_ends_nothing() -> None:
    without = [{"epoch": 1.0, "loss": 0.5}, {"epoch": 2.0, "loss": 0.6}, {"epoch": 3.0, "loss": 0.7}]
    assert not history.stops_early(without, 1)


def test_the_file_has_a_fixed_number_of_decimals(tmp_path: Path) -> None:
    out = ModelFiles(tmp_path)
    history.write(rows(1 / 3), out)
    assert out.history.read_bytes() == (
        b"epoch,loss,accuracy,auc,precision,recall,val_loss,val_accuracy,val_auc,val_precision,val_recall,learning_rate\n"
        b"1,0.500000,0.750000,0.666667,0.250000,1.000000,0.333333,0.500000,0.500000,0.500000,0.500000,0.0001000000\n"
    )


def test_the_line_of_an_epoch_says_whether_it_is_the_best() -> None:
    assert history.line(rows(0.9, 0.5), 60) == "epoch 2/60 loss 0.5000 val_loss 0.5000 val_auc 0.5000 best"
    assert history.line(rows(0.5, 0.9), 60) == "epoch 2/60 loss 0.5000 val_loss 0.9000 val_auc 0.5000"
