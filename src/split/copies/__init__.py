"""Which images come from one source although turned, mirrored, shifted or scaled."""

from src.split.copies.find import Found, Link, find
from src.split.copies.group import join
from src.split.copies.groups_sheet import write_groups

__all__ = ["Found", "Link", "find", "join", "write_groups"]
