"""The metrics, each defined once: predictions, curves, scores, thresholds, calibration, bootstrap intervals."""
