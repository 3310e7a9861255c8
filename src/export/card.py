"""The card of a bundle: what the network is for, how good it is, and what it must not be used for (Mitchell 2019)."""

from collections.abc import Iterator
from typing import Any

from src.core import markdown
from src.export.bundle import Description
from src.metrics.scores import BY_NAME

SHOWN = ("auc", "accuracy", "sensitivity", "specificity", "f1", "log_loss", "brier")


def text(about: Description) -> str:
    """Return the card as Markdown."""
    return "\n".join(_lines(about)) + "\n"


def _lines(about: Description) -> Iterator[str]:
    height, width, channels = about.network.shape
    yield f"# {about.network.name}: {', '.join(about.classes)}"
    yield ""
    yield "For research. This is not a medical device, and no diagnosis may rest on it."
    yield ""
    yield f"- Trained on {about.data.name}; fingerprint {about.data.fingerprint or 'unknown'}"
    yield f"- Input: {width} x {height} pixels, {'gray' if channels == 1 else 'RGB'}, 0 to 255, after the steps below"
    yield f"- Steps: {', '.join(about.preparation.steps)}"
    if about.positive:
        yield f"- Positive: {about.positive}, from a calibrated probability of {about.threshold:.4f} on (chosen on val)"
    yield ""
    yield "## Scores on the test part"
    yield ""
    yield f"{about.scores['images']} images of {about.scores['groups']} groups; {about.confidence:.0%} intervals."
    yield ""
    yield markdown.table(scores(about))
    yield ""
    yield from (f"- {warning.text}" for warning in about.warnings)
    yield ""
    yield "## Calibration"
    yield ""
    yield from _calibration(about)
    yield ""
    yield "## Unlike the training images"
    yield ""
    yield "An image is flagged as `unlike` where it is further from the training images than 99 % of val, and of train"
    yield "when each fold is measured by the others, are."
    shares = ", ".join(f"{share:.1%} of {part}" for part, share in about.reference.flagged.items())
    yield f"Flagged: {shares}. Images of another kind can pass: the flag is a warning, not a guarantee."
    yield ""
    yield "## Use"
    yield ""
    yield "    python -m src.predict IMAGE --model FOLDER"
    yield ""
    yield "`model.onnx` takes float32 `pixels` (N, H, W, C) after the steps; bundle.json holds everything else."


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
    yield ""
    yield markdown.table(
        [
            {
                "part": part,
                "score": BY_NAME[name].label,
                "network": f"{value:.4f}",
                "calibrated": f"{found.after[part][name]:.4f}",
            }
            for part, errors in found.before.items()
            for name, value in errors.items()
        ]
    )
