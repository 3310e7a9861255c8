"""Where a model looked: class activation maps and Grad-CAM of chosen images."""
