"""From any source to raw images and a manifest."""
