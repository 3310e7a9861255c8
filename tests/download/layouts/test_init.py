from src.core import registry
from src.download import layouts


def test_every_layout_but_that_for_own_images_and_a_second_reading_is_of_a_known_data_set() -> None:
    assert set(layouts.known()) == set(registry.names("download.layouts")) - {"folders", "chest_xray_three"}
