"""Find which images belong together, split without cutting a group, and audit leaks and shortcuts."""
