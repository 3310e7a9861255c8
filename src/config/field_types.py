"""The types of the values in params.yaml: ranges, names of plugins, patterns, sizes.

Every number has an upper bound far above any useful value: a typing error such as 1e308 fails before hours are spent.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, StrictInt

from src.core import registry
from src.core.errors import suggestion
from src.metrics.threshold import RULES

Fraction = Annotated[float, Field(ge=0, le=1, strict=True)]
OpenFraction = Annotated[float, Field(gt=0, lt=1, strict=True)]
Share = Annotated[float, Field(ge=0, lt=1, strict=True)]
Count = Annotated[StrictInt, Field(ge=1, le=100_000)]
Number = Annotated[StrictInt, Field(ge=0, le=100_000)]
Rate = Annotated[float, Field(gt=0, le=100, strict=True)]
THRESHOLD_RULES = tuple(RULES)
GROUP = "group"
SIDES = range(8, 2049)
CONTROL = {"Cc", "Cs", "Zl", "Zp"}  # Unicode categories of characters that control a terminal or break a line
UNHASHED = ("size", "nfiles")  # DVC's run cache omits keys with these names from its hash, in parameters too


def one_of(names: Callable[[], Sequence[str]]) -> AfterValidator:
    """Accept only one of `names()`, which is called when a file is validated."""

    def check(name: str) -> str:
        known = names()
        if name not in known:
            raise ValueError(f"expected one of {', '.join(known)}{suggestion(name, known)}")
        return name

    return AfterValidator(check)


def named(package: str) -> AfterValidator:
    """Accept only the name of an entry of a registry below src, without importing it."""
    return one_of(lambda: registry.names(package))


def printable(text: str) -> str:
    """Refuse control characters and line breaks, which would disturb a terminal or a table."""
    if any(unicodedata.category(letter) in CONTROL for letter in text):
        raise ValueError("expected a text without control characters")
    return text


def hashed(label: str) -> str:
    """Refuse key names that DVC ignores: a change of their values would not cause the stage to run again."""
    if label in UNHASHED:
        raise ValueError(f"expected another name than {' and '.join(UNHASHED)}, which DVC ignores; rename the class")
    return label


def odd(number: int) -> int:
    """Refuse even numbers."""
    if number % 2 == 0:
        raise ValueError("expected an odd number")
    return number


def _group_pattern(text: str) -> str:
    try:
        named_groups = re.compile(text).groupindex
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"expected a regular expression ({error})") from error
    if GROUP not in named_groups:
        raise ValueError(f"expected a regular expression with a named group, (?P<{GROUP}>...)")
    return text


def _threshold(value: str | float) -> str | float:
    if not (value in THRESHOLD_RULES if isinstance(value, str) else 0 < value < 1):
        raise ValueError(f"expected {', '.join(THRESHOLD_RULES)} or a number between 0 and 1")
    return value


def _size(value: object) -> int | tuple[int, int]:
    match value:
        case bool():
            pass
        case int() if value in SIDES:
            return value
        case (int() as height, int() as width) if height in SIDES and width in SIDES:
            return height, width
    raise ValueError(f"expected a side of {SIDES.start} to {SIDES.stop - 1} pixels, or [height, width]")


Text = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(printable)]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(printable)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
GroupPattern = Annotated[str, Field(max_length=500), AfterValidator(printable), AfterValidator(_group_pattern)]
Threshold = Annotated[str | float, AfterValidator(_threshold)]
# Without this serializer, pydantic warns about the list that JSON makes of the two sides.
Size = Annotated[int | tuple[int, int], PlainSerializer(lambda size: size, return_type=Any), PlainValidator(_size)]


class Section(BaseModel):
    """A part of params.yaml: unknown keys are refused, values cannot be changed after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)
