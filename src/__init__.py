"""Assay: a folder of labelled medical images in, a tracked and reproducible experiment out."""
