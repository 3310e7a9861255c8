"""Tuning: one driver asks and tells, workers only train, nobody reads a test row."""
