"""Early stopping, and the line of an epoch, follow from the rows of the history alone."""

from src.train import loop
from tests.train.conftest import rows


def test_patience_counts_the_epochs_since_the_best_one() -> None:
    assert not loop.stops_early([], 1)
    assert not loop.stops_early(rows(0.9, 0.5, 0.7), 2)
    assert loop.stops_early(rows(0.9, 0.5, 0.7, 0.5), 2)
    assert not loop.stops_early(rows(0.1, 0.5, 0.7, 0.5), 2, start=3)
    assert loop.stops_early(rows(0.1, 0.5, 0.7, 0.5), 2, start=2)


def test_without_a_val_part_patience_ends_nothing() -> None:
    without = [{"epoch": 1.0, "loss": 0.5}, {"epoch": 2.0, "loss": 0.6}, {"epoch": 3.0, "loss": 0.7}]
    assert not loop.stops_early(without, 1)


def test_the_line_of_an_epoch_says_whether_it_is_the_best() -> None:
    assert loop.epoch_line(rows(0.9, 0.5), 60) == "epoch 2/60 loss 0.5000 val_loss 0.5000 val_auc 0.5000 best"
    assert loop.epoch_line(rows(0.5, 0.9), 60) == "epoch 2/60 loss 0.5000 val_loss 0.9000 val_auc 0.5000"
