"""Tuning: one driver proposes and records the trials, workers only train them, no test row is read."""
