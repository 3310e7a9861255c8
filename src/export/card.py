"""The card of a bundle: what the network is for, how good it is, and what it must not be used for (Mitchell 2019)."""

from pathlib import Path

from jinja2 import Environment, StrictUndefined

from src.core.files import markdown_table
from src.export.bundle import Description
from src.metrics.scores import BY_NAME

TEMPLATE = Path(__file__).with_name("card.md.j2")
SHOWN = ("auc", "accuracy", "sensitivity", "specificity", "f1", "log_loss", "brier")


def text(about: Description) -> str:
    """Return the card as Markdown."""
    template = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    found = about.calibration
    columns = ("part", "score", "network", "calibrated")
    errors = [
        dict(zip(columns, (part, BY_NAME[name].label, f"{value:.4f}", f"{found.after[part][name]:.4f}"), strict=True))
        for part, before in found.before.items()
        for name, value in before.items()
    ]
    return template.render(about=about, scores=markdown_table(scores(about)), errors=markdown_table(errors))


def scores(about: Description) -> list[dict[str, str]]:
    """Return the scores that are shown, as rows of a table: score, value, interval."""
    rows = []
    for name in (name for name in SHOWN if name in about.scores):
        value, *interval = (f"{bound:.3f}" for bound in about.scores[name].values())
        rows.append({"score": BY_NAME[name].label, "value": value, "interval": " to ".join(interval) or "-"})
    return rows
