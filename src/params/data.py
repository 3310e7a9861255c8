"""The sections about images: where they come from, what is done to them, how they are divided."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictInt, model_validator

from src.params.kinds import Fraction, GroupPattern, OpenFraction, Positive, Section, Sha256, Size, named, odd

RATIO_TOLERANCE = 1e-6


class Dataset(Section):
    """Where the images come from and how labels, groups and folds are read from them."""

    source: Annotated[str, Field(min_length=1)]
    layout: Annotated[str, named("datasets.layouts")]
    positive: Annotated[str, Field(min_length=1)] | None = None
    merge: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    group_pattern: GroupPattern | None = None
    sha256: Sha256 | None = None
    max_unpacked_gb: Positive = 20.0


class Clahe(Section):
    """Contrast limited adaptive histogram equalization."""

    clip_limit: Positive = 3.0
    tile_grid: Annotated[StrictInt, Field(ge=1, le=64)] = 8


class Crop(Section):
    """How the body is found: lengths in pixels of the working size, grey levels of 0..255."""

    blur: Annotated[StrictInt, Field(ge=1, le=31), AfterValidator(odd)] = 3
    threshold: Annotated[StrictInt, Field(ge=0, le=255)] = 50
    min_area: Annotated[StrictInt, Field(ge=0)] = 200
    max_area: Fraction = 0.5
    narrow: Annotated[StrictInt, Field(ge=0)] = 50
    long: Annotated[StrictInt, Field(ge=0)] = 150
    min_box: Fraction = 0.0


class Preprocess(Section):
    """What is done to each image before it is packed, in the order of `steps`."""

    size: Size
    color: Literal["gray", "rgb"]
    steps: Annotated[tuple[Annotated[str, named("imaging.steps")], ...], Field(min_length=1)]
    working_size: Annotated[StrictInt, Field(ge=8, le=4096)] = 512
    detail: Annotated[StrictInt, Field(ge=8, le=4096)] = 256
    clahe: Clahe = Clahe()
    crop: Crop = Crop()
    max_megapixels: Positive = 100.0
    damaged: Literal["keep", "reject"]
    max_rejected: Fraction = 0.05

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width in pixels of every prepared image."""
        return (self.size, self.size) if isinstance(self.size, int) else (self.size[0], self.size[1])


class Split(Section):
    """How the images are divided into train, val and test."""

    train: OpenFraction
    val: OpenFraction
    test: OpenFraction
    by: Literal["group", "image", "lookalike"] = "group"
    folds: Literal["ignore", "respect"] = "ignore"
    leaks: Literal["fail", "warn"] = "warn"

    @model_validator(mode="after")
    def sums_to_one(self) -> Self:
        total = self.train + self.val + self.test
        if abs(total - 1) > RATIO_TOLERANCE:
            raise ValueError(f"expected train + val + test to be 1; found {total:g}")
        return self
