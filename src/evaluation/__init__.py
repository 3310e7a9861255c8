"""Judging a trained model: predictions, scores with intervals, figures, the report."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src.evaluation.stage import evaluate

__all__ = ["evaluate"]


def __getattr__(name: str) -> Any:
    """Import the stage only when it is asked for: metrics and intervals alone need no figures."""
    if name == "evaluate":
        from src.evaluation.stage import evaluate

        return evaluate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
