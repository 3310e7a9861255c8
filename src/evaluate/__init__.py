"""Evaluation of a trained model: predictions, scores with intervals, figures, the report."""
