"""The sections about images: where they come from, what is done to them, how they are divided."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictInt, model_validator

from src.params.kinds import (
    Fraction,
    GroupPattern,
    Name,
    OpenFraction,
    Section,
    Sha256,
    Size,
    Text,
    hashed,
    named,
    odd,
)
from src.redact import refuse_secrets

RATIO_TOLERANCE = 1e-6


class Dataset(Section):
    """Where the images come from and how labels, groups and folds are read from them."""

    source: Annotated[Text, AfterValidator(refuse_secrets)]
    layout: Annotated[str, named("datasets.layouts")]
    positive: Name | None
    merge: Annotated[dict[Annotated[Name, AfterValidator(hashed)], Name], Field(max_length=1000)]
    group_pattern: GroupPattern | None
    sha256: Sha256 | None
    max_unpacked_gb: Annotated[float, Field(gt=0, le=10_000, strict=True)]
    max_download_gb: Annotated[float, Field(gt=0, le=10_000, strict=True)]


class Clahe(Section):
    """Contrast limited adaptive histogram equalization."""

    clip_limit: Annotated[float, Field(gt=0, le=1000, strict=True)]
    tile_grid: Annotated[StrictInt, Field(ge=1, le=64)]


class Crop(Section):
    """How the body is found: lengths in pixels of the working size, grey levels of 0..255."""

    blur: Annotated[StrictInt, Field(ge=1, le=31), AfterValidator(odd)]
    threshold: Annotated[StrictInt, Field(ge=0, le=255)]
    min_area: Annotated[StrictInt, Field(ge=0, le=4096 * 4096)]
    max_area: Fraction
    narrow: Annotated[StrictInt, Field(ge=0, le=4096)]
    long: Annotated[StrictInt, Field(ge=0, le=4096)]
    min_box: Fraction


class Preprocess(Section):
    """What is done to each image before it is packed, in the order of `steps`."""

    image_size: Size
    color: Literal["gray", "rgb"]
    steps: Annotated[tuple[Annotated[str, named("imaging.steps")], ...], Field(min_length=1, max_length=100)]
    working_size: Annotated[StrictInt, Field(ge=8, le=4096)]
    detail: Annotated[StrictInt, Field(ge=8, le=4096)]
    clahe: Clahe
    crop: Crop
    max_megapixels: Annotated[float, Field(gt=0, le=10_000, strict=True)]
    damaged: Literal["keep", "reject"]
    max_rejected: Fraction

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width in pixels of every prepared image."""
        size = self.image_size
        return (size, size) if isinstance(size, int) else (size[0], size[1])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every prepared image."""
        return *self.sides, 3 if self.color == "rgb" else 1


class Split(Section):
    """How the images are divided into train, val and test."""

    train: OpenFraction
    val: OpenFraction
    test: OpenFraction
    by: Literal["group", "image", "lookalike"]
    folds: Literal["ignore", "respect"]
    leaks: Literal["fail", "warn"]

    @model_validator(mode="after")
    def sums_to_one(self) -> Self:
        total = self.train + self.val + self.test
        if abs(total - 1) > RATIO_TOLERANCE:
            raise ValueError(f"expected train + val + test to be 1; found {total:g}")
        return self
