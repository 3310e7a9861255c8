"""Train on the workers of an existing Dask cluster."""
