"""Class activation maps: CAM, Grad-CAM and HiResCAM of chosen images."""
