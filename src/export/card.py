"""The card of a bundle: what the network is for, how good it is, and what it must not be used for (Mitchell 2019)."""

from collections.abc import Iterator
from typing import Any

from src.core.files import markdown_table
from src.export.bundle import Description
from src.metrics.scores import BY_NAME

SHOWN = ("auc", "accuracy", "sensitivity", "specificity", "f1", "log_loss", "brier")
LAST = """\
## Unlike the training images

An image is flagged as `unlike` where it is further from the training images than 99 % of val, and of train
when each fold is measured by the others, are.
Flagged: {shares}. Images of another kind can pass: the flag is a warning, not a guarantee.

## Use

    python -m src.predict IMAGE --model FOLDER

`model.onnx` takes float32 `pixels` (N, H, W, C) after the steps; bundle.json holds everything else."""


def text(about: Description) -> str:
    """Return the card as Markdown."""
    return "\n\n".join(filter(None, _blocks(about))) + "\n"


def _blocks(about: Description) -> Iterator[str]:
    height, width, channels = about.network.shape
    yield f"# {about.network.name}: {', '.join(about.classes)}"
    yield "For research. This is not a medical device, and no diagnosis may rest on it."
    facts = [
        f"- Trained on {about.data.name}; fingerprint {about.data.fingerprint or 'unknown'}",
        f"- Input: {width} x {height} pixels, {'gray' if channels == 1 else 'RGB'}, 0 to 255, after the steps below",
        f"- Steps: {', '.join(about.preparation.steps)}",
    ]
    if about.positive:
        chosen = f"from a calibrated probability of {about.threshold:.4f} on (chosen on val)"
        facts.append(f"- Positive: {about.positive}, {chosen}")
    yield "\n".join(facts)
    yield "## Scores on the test part"
    yield f"{about.scores['images']} images of {about.scores['groups']} groups; {about.confidence:.0%} intervals."
    yield markdown_table(scores(about))
    yield "\n".join(f"- {warning.text}" for warning in about.warnings)
    yield "## Calibration"
    yield from _calibration(about)
    shares = ", ".join(f"{share:.1%} of {part}" for part, share in about.reference.flagged.items())
    yield LAST.format(shares=shares)


def scores(about: Description) -> list[dict[str, str]]:
    """Return the scores that are shown, as rows of a table."""
    return [_score(name, about.scores[name]) for name in SHOWN if name in about.scores]


def _score(name: str, score: dict[str, Any]) -> dict[str, str]:
    low, high = score.get("low"), score.get("high")
    interval = f"{low:.3f} to {high:.3f}" if low is not None and high is not None else "-"
    return {"score": BY_NAME[name].label, "value": f"{score['value']:.3f}", "interval": interval}


def _calibration(about: Description) -> Iterator[str]:
    found = about.calibration
    if found.method == "none":
        yield "Probabilities are those of the network: nothing was fitted."
    elif found.note:
        yield f"Probabilities are those of the network: {found.note}."
    else:
        yield f"Logits are divided by the temperature {found.temperature:.3f}, fitted on val. It changes no decision."
    rows = [
        (part, BY_NAME[name].label, f"{value:.4f}", f"{found.after[part][name]:.4f}")
        for part, errors in found.before.items()
        for name, value in errors.items()
    ]
    yield markdown_table([dict(zip(("part", "score", "network", "calibrated"), row, strict=True)) for row in rows])
