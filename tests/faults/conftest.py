"""The standing site for the tests of faults."""

from tests.faults.standing import standing, there

__all__ = ["standing", "there"]
