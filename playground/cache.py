"""A cache that may be lost: what it keeps is counters and nothing anybody would miss.

With Redis away a page works as if the cache were empty. The limits on guessing passwords are then not
counted, which is said in the log once in a while; refusing everybody would be worse.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
# A flood of sign-ins must not become a flood of log lines.
SAY_AGAIN_S = 30.0


def _forgiving(name: str, missing: Callable[..., Any]) -> Any:
    """The method of RedisCache, giving what an empty cache would while Redis cannot be reached."""
    method = getattr(RedisCache, name)

    @wraps(method)
    def tried(self: ForgivingCache, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except (RedisError, OSError) as error:
            self.complain(error)
            return missing(*args, **kwargs)

    return tried


class ForgivingCache(RedisCache):
    """RedisCache whose failures are misses."""

    _said_at = float("-inf")

    def complain(self, error: Exception) -> None:
        now = time.monotonic()
        if now - ForgivingCache._said_at > SAY_AGAIN_S:
            ForgivingCache._said_at = now
            log.error("the cache cannot be reached; attempts to sign in are not counted: %s", error)

    get = _forgiving("get", lambda key, default=None, version=None: default)
    get_many = _forgiving("get_many", lambda keys, version=None: {})
    has_key = _forgiving("has_key", lambda key, version=None: False)
    add = _forgiving("add", lambda *args, **kwargs: True)
    set = _forgiving("set", lambda *args, **kwargs: None)
    set_many = _forgiving("set_many", lambda *args, **kwargs: [])
    touch = _forgiving("touch", lambda *args, **kwargs: False)
    delete = _forgiving("delete", lambda *args, **kwargs: False)
    delete_many = _forgiving("delete_many", lambda *args, **kwargs: None)
    clear = _forgiving("clear", lambda *args, **kwargs: False)
    # A counter that is not there yet: callers expect its first value, or none at all.
    incr = _forgiving("incr", lambda key, delta=1, version=None: delta)
