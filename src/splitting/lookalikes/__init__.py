"""Which images come from one source although turned, mirrored, shifted or scaled."""

from src.splitting.lookalikes.finding import Found, Link, find
from src.splitting.lookalikes.grouping import join
from src.splitting.lookalikes.showing import write_groups

__all__ = ["Found", "Link", "find", "join", "write_groups"]
