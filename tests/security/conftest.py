"""The standing site for the tests of security."""

from tests.faults.standing import standing, there

__all__ = ["standing", "there"]
