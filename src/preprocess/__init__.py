"""Run images through the steps of params.yaml, and pack them into one array."""
