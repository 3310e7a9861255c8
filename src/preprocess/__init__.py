"""Images through the steps of params.yaml, packed into one array."""
