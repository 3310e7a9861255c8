"""The ways in which the data of a preset are divided: at random as published, by group, as the source says."""

from collections.abc import Mapping

from src.datasets.catalogue import KNOWN
from src.params import Params

RANDOM, HONEST, OFFICIAL = "random split", "split by group", "source's test part"
KINDS = (RANDOM, HONEST, OFFICIAL)


def variants(params: Params) -> dict[str, dict[str, str]]:
    """Give for each kind of split that the data allow the values of params.yaml that make it."""
    found = {
        RANDOM: {"split.by": "image", "split.folds": "ignore"},
        HONEST: {"split.by": params.split.by, "split.folds": "ignore"},
        OFFICIAL: {"split.by": params.split.by, "split.folds": "respect"},
    }
    if params.dataset.layout in {known.layout for known in KNOWN if known.folds == "none"}:
        del found[OFFICIAL]
    return found


def kind(params: Mapping[str, str], tags: Mapping[str, str]) -> str:
    """Tell from a run's parameters and tags how its data were divided.

    A split by group is a random one where no group is known; copies of one source are found by `lookalike` without.
    """
    if params.get("split.folds") == "respect":
        return OFFICIAL
    by = params.get("split.by")
    known = by == "lookalike" or int(tags.get("data.test.groups", 0)) > 0
    return HONEST if by != "image" and known else RANDOM
