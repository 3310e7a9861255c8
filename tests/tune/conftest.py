"""The repository of the tests of executors."""

from tests.executors.conftest import home, own_home, run

__all__ = ["home", "own_home", "run"]
