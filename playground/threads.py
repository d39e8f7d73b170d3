"""Work on the database in threads of our own, after which no request cleans up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.db import close_old_connections, connections

T = TypeVar("T")


def with_database(work: Callable[..., T], *args: Any) -> T:
    """`work(*args)` with a connection that is alive; on PostgreSQL none stays open behind it."""
    close_old_connections()
    try:
        return work(*args)
    finally:
        if settings.POSTGRESQL:
            connections.close_all()
