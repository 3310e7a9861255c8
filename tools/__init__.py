"""What only developers run: set-up, the painter of the samples, the writer of the code dependencies in dvc.yaml."""
