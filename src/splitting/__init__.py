"""Who belongs together, the split that never cuts a group, and the audit of leaks and shortcuts."""

from src.splitting.splitting import split

__all__ = ["split"]
