"""A history of media tasks and what its pages cost: `python -m benchmarks.history <what> …`.

`make <count>`: the first person's team has made so many tasks, whose words are as common as those of a
language. `pages <times>`: {what was asked: [median, p95] in ms}, each asked so many times.
One JSON line, in the benchmark's environment.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta
from itertools import accumulate
from random import Random
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

import django

django.setup()

from django.db import connection, transaction  # noqa: E402 - only after setup

from accounts.models import Team, User  # noqa: E402
from playground.media import clock, listing, search_index  # noqa: E402
from playground.media.listing import Filters  # noqa: E402
from playground.media.models import MediaTask, Status  # noqa: E402

FIRST = 10_000
PAGE = 48
KINDS = (("kling", "video"), ("dashscope", "image"), ("suno", "music"), ("openai", "speech"))
SYLLABLES = [first + second for first in "bcdfghklmnprstvz" for second in ("a", "en", "i", "or", "u")]
TIMES_SHOWN = (0.5, 0.95)


def vocabulary() -> tuple[list[str], list[float]]:
    """20,000 words and how common each is: the first stands in most tasks, the last in one of thousands."""
    rng = Random(7)  # noqa: S311 - the same words in each run
    words = list(
        dict.fromkeys("".join(rng.choices(SYLLABLES, k=rng.choice((1, 2, 2, 3, 4)))) for _ in range(60_000))
    )
    words = words[:20_000]
    return words, list(accumulate(1 / (rank + 3) for rank in range(len(words))))


def make(count: int) -> int:
    """The first ten thousand one by one, and those again and again, each time further back."""
    with connection.schema_editor() as editor:
        search_index.remove(None, editor)
    MediaTask.objects.all().delete()
    MediaTask.objects.bulk_create(_first(), batch_size=500)
    with transaction.atomic(), connection.cursor() as cursor:
        for copy in range(1, max(1, count // FIRST)):
            cursor.execute(*_copied(copy))
    with connection.schema_editor() as editor:
        search_index.install(None, editor)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return MediaTask.objects.count()


def _first() -> list[MediaTask]:
    words, weights = vocabulary()
    rng = Random(11)  # noqa: S311 - the same tasks in each run
    user = User.objects.get(email="bench0@example.com")
    team, mate = user.personal_team, User.objects.get(email="bench1@example.com")
    now = clock.now()
    return [
        _task(number, rng, words, weights, {"team": team, "now": now, "people": (user, mate)})
        for number in range(FIRST)
    ]


def _task(number: int, rng: Random, words: list[str], weights: list[float], of: dict[str, Any]) -> MediaTask:
    text = " ".join(rng.choices(words, cum_weights=weights, k=24))
    family, medium = KINDS[min(3, int(rng.expovariate(1)))]
    at = of["now"] - timedelta(seconds=30 * number)
    return MediaTask(
        team=of["team"],
        user=of["people"][number % 100 == 1],
        operation=f"{family}.{medium}",
        family=family,
        medium=medium,
        model="rare-1" if number % 2500 == 2499 else f"model-{number % 7}",
        status=Status.FAILED if number % 20 == 3 else Status.SUCCEEDED,
        inputs={"values": {"prompt": text, "size": "1024x1024"}},
        title=text[:60],
        text=text,
        favourite=number % 200 == 7,
        created_at=at,
        ended_at=at,
        changed_at=at,
    )


def _copied(copy: int) -> tuple[str, list[Any]]:
    names = [field.column for field in MediaTask._meta.concrete_fields]
    at = f"created_at - interval '{copy * FIRST * 30} seconds'"
    fresh = "gen_random_uuid()"
    if connection.vendor == "sqlite":
        at = f"strftime('%Y-%m-%d %H:%M:%S', created_at, '-{copy * FIRST * 30} seconds') || '.000001'"
        fresh = "lower(hex(randomblob(16)))"
    given = {"id": fresh, "form_id": fresh, "created_at": at}
    columns = ", ".join(given.get(str(name), f'"{name}"') for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    edge = MediaTask.objects.order_by("-created_at").values_list("created_at", flat=True)[FIRST - 1]
    stamp = connection.ops.adapt_datetimefield_value(edge)
    return (
        f"INSERT INTO media_mediatask ({quoted}) SELECT {columns} FROM media_mediatask"  # noqa: S608 - of the model
        " WHERE created_at >= %s",
        [stamp],
    )


def asked() -> dict[str, Filters]:
    words, _ = vocabulary()
    mate = User.objects.get(email="bench1@example.com").pk
    common, middle, rare = words[0], words[200], words[15_000]
    long = next(word for word in words[5:200] if len(word) >= 8)
    return {
        "first page": Filters(),
        "medium": Filters(medium="music"),
        "status, common": Filters(status="failed"),
        "status, of none": Filters(status="waiting"),
        "family": Filters(family="suno"),
        "model": Filters(model="model-3"),
        "model, rare": Filters(model="rare-1"),
        "owner": Filters(user=mate),
        "favourites": Filters(favourite=True),
        "a word in most": Filters(words=f"{common} "),
        "a word": Filters(words=middle),
        "a rare word": Filters(words=rare),
        "a word of nobody": Filters(words="xylophone"),
        "two words": Filters(words=f"{words[50]} {words[300]}"),
        "one letter": Filters(words=common[0]),
        "two letters": Filters(words=middle[:2]),
        "three letters": Filters(words=middle[:3]),
        "four letters": Filters(words=long[:4]),
        "a long beginning": Filters(words=long[:-1]),
        "a common word, a rare model": Filters(words=common, model="rare-1"),
        "three letters, a rare model": Filters(words=middle[:3], model="rare-1"),
        "a word, a family, an owner": Filters(words=middle, family="openai", user=mate),
    }


def pages(times: int) -> dict[str, list[float]]:
    team = Team.objects.get(personal_of__email="bench0@example.com")
    told = {name: _timed(team, filters, times, "") for name, filters in asked().items()}
    told["next page"] = _timed(team, Filters(), times, listing.page(team, Filters(), limit=PAGE).next_mark)
    words = asked()["a word"]
    told["next page of a word"] = _timed(team, words, times, listing.page(team, words, limit=PAGE).next_mark)
    return told


def _timed(team: Team, filters: Filters, times: int, mark: str) -> list[float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        listing.page(team, filters, mark, PAGE)
        took.append(1000 * (time.perf_counter() - began))
    took.sort()
    return [took[min(times - 1, int(times * part))] for part in TIMES_SHOWN]


def main(what: str, number: str) -> Any:
    return {"make": make, "pages": pages}[what](int(number))


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
