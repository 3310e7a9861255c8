"""Where networks are trained side by side: processes of this machine, or a Dask cluster."""
