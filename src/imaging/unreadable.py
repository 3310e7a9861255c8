"""The one exception that means: this file does not become an image, and why."""


class UnreadableError(Exception):
    """A file that goes to rejected.csv; the message is the reason, without the file's name."""
