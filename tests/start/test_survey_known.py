from src.core import registry
from src.start.survey import KNOWN


def test_every_layout_but_that_for_own_images_and_a_second_reading_is_of_a_known_data_set() -> None:
    layouts = set(registry.names("download.layouts"))
    assert {known.layout for known in KNOWN} == layouts - {"folders", "chest_xray_three"}
