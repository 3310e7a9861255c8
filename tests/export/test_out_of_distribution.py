"""The limit takes few further images of the same source for others, also where val is too small for a percentile."""

import numpy as np

from src.export import out_of_distribution
from src.export.out_of_distribution import Images
from src.metrics.predictions import Integers


def images(count: int, seed: int) -> Images:
    """Draw smooth images of two looks, with features that a network might have."""
    random = np.random.default_rng(seed)
    slopes = random.normal(0, 0.8, (count, 2, 1, 1)) * np.linspace(-1, 1, 24)[None, None, :, None]
    flat = 120 + 40 * (slopes[:, 0] + slopes[:, 1].transpose(0, 2, 1)) + random.normal(0, 4, (count, 24, 24))
    return flat.clip(0, 255).astype(np.uint8)[..., None], random.normal(0, 1, (count, 20)) @ np.diag(np.arange(1, 21))


def groups(count: int) -> Integers:
    return np.arange(count) // 2


def test_of_further_images_at_most_a_few_are_flagged_though_val_is_small() -> None:
    train, val, further = images(80, 0), images(16, 1), images(400, 2)
    made = out_of_distribution.fit({"train": train, "val": val, "test": further}, groups(80))
    assert made.flagged["test"] <= 0.03
    distances = out_of_distribution.measure(made)(*further)
    assert (distances > 1).mean() == made.flagged["test"]


def test_images_of_another_look_or_with_other_features_are_beyond_the_limit() -> None:
    train, val = images(80, 0), images(16, 1)
    distance = out_of_distribution.measure(out_of_distribution.fit({"train": train, "val": val}, groups(80)))
    pixels, features = images(20, 3)
    noise = np.random.default_rng(4).integers(0, 256, pixels.shape, dtype=np.uint8)
    assert (distance(noise, features) > 1).all()
    assert (distance(pixels, features * 6) > 1).all()


def test_without_val_train_alone_sets_the_limit() -> None:
    train = images(80, 0)
    empty = (train[0][:0], train[1][:0])
    made = out_of_distribution.fit({"train": train, "val": empty, "test": images(200, 2)}, groups(80))
    assert made.flagged["test"] <= 0.05
    assert "val" not in made.flagged
