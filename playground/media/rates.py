"""How often a key may be asked about tasks, by family: what providers limit (contract 11.3, 13.3).

A provider counts a key's queries, whichever worker sends them. So with Redis the slots are the site's, given
out there; without it there is one worker, and they are its own. While Redis is away each worker keeps to the
limit by itself.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol

import redis
from django.conf import settings

log = logging.getLogger(__name__)
# So long a slot is waited for; a later one is left to the due time of the row.
MOST_WAIT_S = 2.0
Place = tuple[Hashable, str]
# Whether a slot was taken, and the seconds until it; if not, when it is worth trying again.
Slot = tuple[bool, float]
# Slots in a row by Redis's clock: how many are near, the wait for the first, and for the first that is not.
TAKE = """
local told = redis.call('TIME')
local now, step = tonumber(told[1]) + tonumber(told[2]) / 1000000, 1 / tonumber(ARGV[1])
local count, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'next', 'behind')
local free, behind = tonumber(kept[1] or now), tonumber(kept[2] or now)
if free > now + most + 2 * step then free, behind = now, now end
local slot = math.max(now, free)
local near = math.max(0, math.min(count, math.floor((now + most - slot) / step + 0.000001) + 1))
local after = slot + near * step
local later = math.max(behind, after)
if count > near then behind = later + (count - near) * step end
redis.call('HSET', KEYS[1], 'next', string.format('%.6f', after), 'behind', string.format('%.6f', behind))
redis.call('PEXPIRE', KEYS[1], math.ceil((math.max(after, behind) - now) * 1000) + 1000)
return {near, string.format('%.6f', slot - now), string.format('%.6f', later + step - now)}
"""


class Limiter(Protocol):
    def reserve(self, places: Sequence[Place]) -> list[Slot]:
        """A slot for each query, in their order. Blocks."""


class Rates:
    """The slots of this process."""

    def __init__(self, per_s: Mapping[str, float]) -> None:
        self._per_s = per_s
        self._next: dict[Place, float] = {}
        self._behind: dict[Place, float] = {}

    def reserve(self, places: Sequence[Place]) -> list[Slot]:
        now = time.monotonic()
        return [self.take(key, family, now) for key, family in places]

    def take(self, key: Hashable, family: str, now: float) -> Slot:
        """One slot after the other for each key and family. Times are those of a monotonic clock."""
        rate = self._per_s.get(family)
        if rate is None:
            return True, 0.0
        place = (key, family)
        slot = max(now, self._next.get(place, now))
        if slot - now <= MOST_WAIT_S:
            self._next[place] = slot + 1 / rate
            return True, slot - now
        self._behind[place] = max(self._behind.get(place, slot), slot) + 1 / rate
        return False, self._behind[place] - now


class SharedRates:
    """The slots of all workers of the site."""

    def __init__(self, per_s: Mapping[str, float], url: str) -> None:
        self._per_s, self._alone = per_s, Rates(per_s)
        self._redis = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
        self._take = self._redis.register_script(TAKE)

    def reserve(self, places: Sequence[Place]) -> list[Slot]:
        wanted = Counter(place for place in places if place[1] in self._per_s)
        try:
            given = {place: iter(self._slots(place, count)) for place, count in wanted.items()}
        except (redis.RedisError, OSError) as error:
            log.warning("queries are counted by each worker for itself: %s", type(error).__name__)
            return self._alone.reserve(places)
        return [next(given[place]) if place in given else (True, 0.0) for place in places]

    def close(self) -> None:
        self._redis.close()

    def _slots(self, place: Place, count: int) -> list[Slot]:
        key, family = place
        step = 1 / self._per_s[family]
        told: Any = self._take(
            keys=[f"playground:rate:{family}:{key}"], args=[self._per_s[family], count, MOST_WAIT_S]
        )
        near, first, later = int(told[0]), float(told[1]), float(told[2])
        taken = [(True, first + number * step) for number in range(near)]
        return taken + [(False, later + number * step) for number in range(count - near)]


def of_site() -> Limiter:
    """What QUERY_RATES says, for as many workers as there can be."""
    if settings.REDIS_URL:
        return SharedRates(settings.QUERY_RATES, settings.REDIS_URL)
    return Rates(settings.QUERY_RATES)
