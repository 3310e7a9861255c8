"""What the presets reached in tracked runs, as a table: the kinds of split side by side."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from src.params import source_name
from src.presets.reading import Preset
from src.presets.variants import KINDS, kind
from src.tracking.lineage import values
from src.tracking.runs import NOTHING, Run, score

FREE = ("dataset.source", "dataset.sha256", "split.by", "split.folds", "split.leaks", "track.", "evaluate.", "tune.")
METRICS = (("accuracy", "test_accuracy"), ("AUC", "test_auc"))
NOTE = (
    "Accuracy and AUC on the test part (AUC of more than two classes: mean of each against the rest), in brackets the "
    "interval over resampled groups (patients, or images that show one slide), or images where none is known; n: "
    "images and groups of the test part. Of each kind the newest run whose other parameters are those of the preset. "
    "Nothing was chosen on a test part."
)
Row = Mapping[str, str]


def rows(presets: Sequence[Preset], runs: Sequence[Run], data: Collection[str] = ()) -> list[Row]:
    """Give one row for each preset and data set, and one without scores for a preset that has no run.

    data: names of data sets; without, all but the samples that the presets name themselves.
    """
    return [row for preset in presets for row in _rows_of(preset, runs, data)]


def _rows_of(preset: Preset, runs: Sequence[Run], data: Collection[str]) -> Iterator[Row]:
    samples = source_name(preset.params.dataset.source)
    found: dict[str, dict[str, Run]] = {}
    for run in sorted(runs, key=lambda run: run.start):
        name = run.tags.get("data.name", "")
        if _is_of(run, preset) and (name in data if data else name != samples):
            found.setdefault(name, {})[kind(run.params, run.tags)] = run
    for name in sorted(found) or [NOTHING]:
        yield _row(preset, name, found.get(name, {}))


def _is_of(run: Run, preset: Preset) -> bool:
    """Tell whether a whole run differs from a preset in nothing but its data and their division."""
    same = (
        run.params.get(key, value) == value for key, value in values(preset.params).items() if not key.startswith(FREE)
    )
    return run.experiment == preset.name and METRICS[0][1] in run.metrics and all(same)


def _row(preset: Preset, data: str, found: Mapping[str, Run]) -> Row:
    return {
        "preset": f"`{preset.name}`",
        "data": data,
        "picture": picture(preset),
        "published": preset.header.get("Published", NOTHING).removesuffix("."),
        **{kind: _cell(found[kind]) if kind in found else NOTHING for kind in KINDS},
    }


def _cell(run: Run) -> str:
    scores = [f"{title} {score(run.metrics, name)}" for title, name in METRICS]
    images, groups = (run.tags.get(f"data.test.{what}", "0") for what in ("images", "groups"))
    return "<br>".join([*scores, f"n {images}" + (f" of {groups} groups" if groups != "0" else "")])


def picture(preset: Preset) -> str:
    """Say what the model sees: height x width and color."""
    height, width = preset.params.preprocess.sides
    return f"{height}x{width} {preset.params.preprocess.color.replace('rgb', 'RGB')}"
