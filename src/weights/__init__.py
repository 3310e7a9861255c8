"""Pretrained weights without a download: reads their files and describes their network, without TensorFlow."""
