"""What the pages of History cost: `python -m benchmarks.ledger <what> <number>`, in the environment of a site
that `manage.py seed_history` filled.

`grow <count>`: copies of the ledger's own lines, further and further back, until there are so many; for
where a whole history of that size takes too long to make. `pages <times>`: {what was asked: [median, p95] in
ms}, each asked so many times as the seeded owner. `export <ignored>`: {rows, seconds, MB over idle}.
One JSON line.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

import django

django.setup()

from asgiref.sync import async_to_sync  # noqa: E402 - only after setup
from django.db import connection  # noqa: E402

from accounts.models import GatewayKey, Team, User  # noqa: E402
from playground.history import export, listing, rows, triggers  # noqa: E402
from playground.history.filters import Filters  # noqa: E402
from playground.history.listing import Reader  # noqa: E402
from playground.history.models import Doc, Entry  # noqa: E402
from playground.history.seeding import vocabulary  # noqa: E402
from playground.library.models import Prompt  # noqa: E402

EMAIL, SLUG, PAGE = "seed0@example.com", "seeded", 50
TIMES_SHOWN = (0.5, 0.95)


def grow(count: int) -> int:
    """Whole copies, each before all that are there: the words and filters stay as common as they were."""
    triggers.words_off(connection)
    base = list(Entry.objects.order_by("pk").values_list("pk", flat=True)[:1])[0]
    size, there = Entry.objects.filter(pk__gte=base).count(), Entry.objects.count()
    copy = 1
    while there < count:
        _copy(base, size, copy)
        there, copy = there + size, copy + 1
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("INSERT INTO history_text (history_text) VALUES ('rebuild')")
        triggers.words_on(connection)
        cursor.execute("ANALYZE")
    return Entry.objects.count()


def _copy(base: int, size: int, copy: int) -> None:
    names = [str(field.column) for field in Entry._meta.concrete_fields]
    fresh = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
    back = f"created_at - interval '{copy * 366} days'"
    if connection.vendor == "sqlite":
        back = f"strftime('%Y-%m-%d %H:%M:%S', created_at, '-{copy * 366} days') || '.000001'"
    given = {"id": f"id - {copy * size}", "subject": fresh, "created_at": back}
    told = ", ".join(given.get(name, f'"{name}"') for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    words = ", ".join(str(field.column) for field in Doc._meta.concrete_fields if field.column != "entry_id")
    last = base + size
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO history_entry ({quoted}) SELECT {told} FROM history_entry"
            " WHERE id >= %s AND id < %s",
            [base, last],
        )
        cursor.execute(
            f"INSERT INTO history_doc (entry_id, {words}) SELECT entry_id - {copy * size}, {words}"
            " FROM history_doc WHERE entry_id >= %s AND entry_id < %s",
            [base, last],
        )


def asked() -> dict[str, Filters]:
    words, _ = vocabulary()
    team = Team.objects.get(slug=SLUG)
    me, mate = User.objects.get(email=EMAIL).pk, User.objects.get(email="seed3@example.com").pk
    key, prompt = GatewayKey.objects.filter(team=team)[0].pk, Prompt.objects.filter(team=team)[0].pk
    newest = Entry.objects.order_by("-pk")[0].created_at
    third = newest - (newest - Entry.objects.order_by("pk")[0].created_at) / 3
    common, middle, rare = words[0], words[200], words[15_000]
    long = next(word for word in words[5:200] if len(word) >= 8)
    return {
        "first page": Filters(),
        "kind": Filters(kind="media"),
        "state, common": Filters(state="failed"),
        "state, of none": Filters(state="live"),
        "family": Filters(family="gemini"),
        "model": Filters(model="claude-haiku"),
        "model, rare": Filters(model="rare-1"),
        "key": Filters(key=key),
        "owner, me": Filters(owner=me),
        "owner, a mate": Filters(owner=mate),
        "prompt": Filters(prompt=prompt),
        "label": Filters(label="production"),
        "error": Filters(error="rate_limited"),
        "rating, of none": Filters(rating=1),
        "tag, of none": Filters(tag="none"),
        "tokens, common": Filters(tokens_min=500),
        "tokens, rare": Filters(tokens_min=20_000),
        "time": Filters(since=third, before=third + (newest - third) / 100),
        "three filters": Filters(model="gpt-5", state="failed", owner=mate),
        "a word in most": Filters(words=f"{common} "),
        "a word": Filters(words=middle),
        "a rare word": Filters(words=rare),
        "a word of nobody": Filters(words="xylophone"),
        "two words": Filters(words=f"{words[50]} {words[300]}"),
        "one letter": Filters(words=common[0]),
        "three letters": Filters(words=middle[:3]),
        "a long beginning": Filters(words=long[:-1]),
        "a common word, a rare model": Filters(words=common, model="rare-1"),
        "a word, a family, an owner": Filters(words=middle, family="gemini", owner=mate),
    }


def reader() -> Reader:
    return Reader.of(User.objects.get(email=EMAIL), Team.objects.get(slug=SLUG))


def pages(times: int) -> dict[str, list[float]]:
    who = reader()
    told = {name: _timed(who, filters, times, "") for name, filters in asked().items()}
    told["next page"] = _timed(who, Filters(), times, listing.page(who, Filters(), limit=PAGE).next_mark)
    words = asked()["a word"]
    told["next page of a word"] = _timed(who, words, times, listing.page(who, words, limit=PAGE).next_mark)
    told["older end"] = _timed(who, Filters(), times, _deep(who))
    return told


def _deep(who: Reader) -> str:
    """A mark far back: in the middle of what there is."""
    middle = Entry.objects.order_by("pk").values_list("pk", flat=True)[Entry.objects.count() // 2]
    return listing._write(listing.OLDER, middle, who, Filters())


def _timed(who: Reader, filters: Filters, times: int, mark: str) -> list[float]:
    """The list as the page needs it: the lines, with all that stands beside them."""
    took = []
    for _ in range(times + 1):
        began = time.perf_counter()
        found = listing.page(who, filters, mark, PAGE)
        rows.lines(who.team, found.entries, filters.words)
        took.append(1000 * (time.perf_counter() - began))
    # The first fills the caches of what was not asked for yet.
    took = sorted(took[1:])
    return [round(took[min(times - 1, int(times * part))], 1) for part in TIMES_SHOWN]


def exported(_: int) -> dict[str, float]:
    who, idle, began, size, count = reader(), _memory(), time.perf_counter(), 0, 0
    peak = idle

    async def drain() -> None:
        nonlocal size, count, peak
        async for part in export.stream(who, listing.every(who, Filters()), export.FORMATS["jsonl"]):
            size, count, peak = size + len(part), count + part.count(b"\n"), max(peak, _memory())

    async_to_sync(drain)()
    took = time.perf_counter() - began
    return {
        "rows": count,
        "seconds": round(took),
        "MB": round(size / 1e6),
        "MB over idle": round(peak - idle, 1),
    }


def _memory() -> float:
    with open("/proc/self/statm") as told:
        return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main(what: str, number: str) -> Any:
    return {"grow": grow, "pages": pages, "export": exported}[what](int(number))


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
