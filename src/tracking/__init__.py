"""Tracking: DVC's outputs are the truth, MLflow is the index to them, and the fingerprint joins the two."""

from src.tracking.stage_run import record, stage, training

__all__ = ["record", "stage", "training"]
