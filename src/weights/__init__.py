"""Learned weights without a download: the files that hold them and the plan of their network, without TensorFlow."""
