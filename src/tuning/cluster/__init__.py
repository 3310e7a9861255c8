"""Trainings on the workers of a Dask cluster that exists: what is sent to them, and what they say."""
