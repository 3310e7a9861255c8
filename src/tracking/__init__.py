"""Tracking: DVC's outputs are the truth, MLflow is the index to them, and the trace joins the two."""

from src.tracking.session import evaluation, record, training

__all__ = ["evaluation", "record", "training"]
