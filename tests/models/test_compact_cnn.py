import numpy as np

from src.models import build

import keras

GRAY = (40, 40, 1)


def test_brightness_and_contrast_do_not_change_the_probability() -> None:
    keras.utils.set_random_seed(0)
    model = build("compact_cnn", GRAY, 2, stride=2, pooling="average")
    image = np.random.default_rng(0).uniform(0, 200, (1, *GRAY)).astype(np.float32)
    dim = model(0.5 * image + 30).numpy()
    np.testing.assert_allclose(dim, model(image).numpy(), atol=2e-3)
    assert not np.allclose(dim, model(image**2 / 255).numpy(), atol=2e-3)


def test_pooled_size_and_weights_do_not_depend_on_the_image() -> None:
    small = build("compact_cnn", GRAY, 2, pooling="average")
    large = build("compact_cnn", (150, 150, 1), 2, pooling="average")
    assert small.count_params() == large.count_params()
    assert large.layers[-1].input.shape == (None, 64)


def test_an_image_without_contrast_gives_a_finite_probability() -> None:
    model = build("compact_cnn", GRAY, 2)
    assert np.isfinite(model(np.zeros((1, *GRAY), np.float32)).numpy()).all()
