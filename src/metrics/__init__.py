"""Every score once: predictions, curves, scores, thresholds, calibration and bootstrap intervals."""
