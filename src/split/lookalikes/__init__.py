"""Which images come from one source although turned, mirrored, shifted or scaled."""

from src.split.lookalikes.find import Found, find, join, members

__all__ = ["Found", "find", "join", "members"]
