"""The one exception that means: the person can mend this."""


class AssayError(Exception):
    """A mistake or a missing thing outside the code; the message says where, what was expected and what was found."""
