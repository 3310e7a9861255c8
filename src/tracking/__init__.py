"""Tracking: DVC's outputs are the truth, MLflow is the index to them, and the fingerprint joins the two."""

from src.tracking.stage_run import evaluation, export, record, training

__all__ = ["evaluation", "export", "record", "training"]
