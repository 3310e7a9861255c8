"""Trainings on the workers of a Dask cluster that exists."""
