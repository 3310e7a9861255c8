"""The whole of params.yaml: sections, one frozen model each; every field states what is allowed."""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, StrictBool, StrictInt

from src.params.data import Dataset, Preprocess, Split
from src.params.kinds import Name, OpenFraction, Section, Threshold
from src.params.learning import Model, Train
from src.params.tuning import Tune


def source_name(source: str) -> str:
    """Name a source without the machine's folders or a URL's host and query.

    >>> source_name("/home/me/data/covid_ct.zip"), source_name("https://host/a/b.zip?key=1"), source_name("kaggle:me/b")
    ('covid_ct.zip', 'b.zip', 'b')
    """
    path = urlsplit(source).path if re.match(r"https?://", source) else source
    return re.split(r"[/\\:]", path.rstrip("/\\"))[-1] or source


class Evaluate(Section):
    """How the scores on the test part are made."""

    threshold: Threshold
    confidence: OpenFraction
    resamples: Annotated[StrictInt, Field(ge=100, le=100_000)]
    mistakes: Annotated[StrictInt, Field(ge=0, le=100)]


class Track(Section):
    """Where MLflow files the runs."""

    experiment: Name
    model: StrictBool


class Params(Section):
    """The whole experiment."""

    seed: Annotated[StrictInt, Field(ge=0, lt=2**31)]
    dataset: Dataset
    preprocess: Preprocess
    split: Split
    model: Model
    train: Train
    evaluate: Evaluate
    track: Track
    tune: Tune

    def shown(self) -> dict[str, Any]:
        """Give all that determines a result, for a reader: the source by its name alone, without folders or a query."""
        values = self.model_dump(mode="json", exclude={"track", "tune"})
        values["dataset"]["source"] = source_name(self.dataset.source)
        return values
