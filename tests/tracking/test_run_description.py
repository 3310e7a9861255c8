"""The name of a run tells it from the others, and says nothing that all of them have."""

import pytest

from src import config
from src.tracking.fingerprint import Fingerprint
from src.tracking.run_description import Commit, run_name
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "compact_cnn covid_ct abcdefgh"),
        ({"train.epochs": "5", "model.name": "compact_cnn"}, "epochs=5 compact_cnn covid_ct abcdefgh"),
        (dict.fromkeys(("a.b", "a.c", "a.d", "a.e", "a.f"), "1"), "b=1 c=1 d=1 +2 compact_cnn covid_ct abcdefgh"),
        ({"dataset.source": "data/covid_ct", "train.epochs": "5"}, "compact_cnn covid_ct abcdefgh"),
    ],
)
def test_a_run_is_named_by_what_was_changed_unless_the_commit_is_about_other_data(
    changes: dict[str, str], name: str
) -> None:
    params = config.load(ROOT / "presets" / "covid_compact.yaml")
    assert run_name(params, Fingerprint("abcdefghij", "", {}, {}), Commit(changes=changes)) == name
