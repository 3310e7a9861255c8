"""Find images that come from one source, even if they were turned, mirrored, shifted or scaled."""

from src.split.lookalikes.find import Found, find, join, members

__all__ = ["Found", "find", "join", "members"]
