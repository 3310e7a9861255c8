"""Which images belong together, the split that never cuts a group, and the audit of leaks and shortcuts."""
