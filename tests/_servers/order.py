"""The files whose tests start processes come first: what takes longest must not begin last.

With several processes (xdist, `--dist loadfile --no-loadscope-reorder`) a file is one piece of work.
"""

from __future__ import annotations

from collections import Counter

import pytest

# Fixtures that start whole processes.
HEAVY = {"site", "browser", "play", "produce", "supervise", "apart", "elsewhere"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    heavy = Counter(item.path for item in items if HEAVY & set(getattr(item, "fixturenames", ())))
    items.sort(key=lambda item: -heavy[item.path])
