"""Tools for developers: set-up, the generator of the samples, the code dependencies in dvc.yaml, tables of the docs."""
