"""Media tasks in a database, made with the product's own models: `python -m benchmarks.task_rows <what> …`.

`waiting <count> <interval> <lead> <address>`: tasks that are looked at once an interval, evenly, from so many
seconds on. `film <address> <bytes>`: one whose file is to be fetched. `kept <task>`: the size of its file.
`touch <task>`: a change that pages are told of; gives the time. `callbacks <count>`: where to post.
One JSON line, in the benchmark's environment.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from datetime import timedelta
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

import django

django.setup()

from django.db.models import F  # noqa: E402 - only after setup
from django.db.models.functions import Now  # noqa: E402

from accounts.models import GatewayKey  # noqa: E402
from benchmarks.provider import RUNNING  # noqa: E402
from playground.media import catalogue, clock, machine, signing  # noqa: E402
from playground.media.models import Asset, MediaTask, Status  # noqa: E402

OPERATION = "dashscope.video"


def of_first(address: str) -> dict[str, Any]:
    """The columns that every task has; the key is the first person's, and opens the address."""
    key = GatewayKey.objects.order_by("created_at", "pk").filter(owner__email="bench0@example.com").get()
    GatewayKey.objects.filter(pk=key.pk).update(base_url=address)
    return {
        "team_id": key.team_id,
        "user_id": key.owner_id,
        "key_id": key.pk,
        "operation": OPERATION,
        "family": "dashscope",
        "medium": "video",
        "model": "bench",
        "title": "A task of the benchmark",
    }


def waiting(count: int, interval_s: float, lead_s: float, address: str) -> int:
    fields = of_first(address)
    now, day = clock.now(), timedelta(days=1)
    operation = catalogue.find(OPERATION)
    assert operation is not None and operation.read_state is not None
    fields |= {"status": Status.WAITING, "wait_s": interval_s, "polled_at": now, "expires_at": now + day}
    fields |= {"seen": machine.mark_of(operation.read_state(RUNNING)), "raw_status": "RUNNING"}
    MediaTask.objects.all().delete()
    for begin in range(0, count, 5000):
        MediaTask.objects.bulk_create(
            MediaTask(
                upstream_id=f"up-{number}",
                due_at=now + timedelta(seconds=lead_s + number * interval_s / count),
                **fields,
            )
            for number in range(begin, min(begin + 5000, count))
        )
    return count


def film(address: str, size: int) -> str:
    now = clock.now()
    status = {"status": Status.COLLECTING, "upstream_id": uuid.uuid4().hex, "submitted_at": now}
    task = MediaTask.objects.create(**of_first(address), **status)
    url = f"{address}/files/film.mp4/{size}"
    Asset.objects.create(task=task, ordinal=0, kind="video", key="video:0", source_url=url, due_at=now)
    return str(task.pk)


def kept(task: str) -> int | None:
    return (
        Asset.objects.filter(task=uuid.UUID(task), status=Asset.Status.KEPT)
        .values_list("size", flat=True)
        .first()
    )


def touch(task: str) -> float:
    at = time.time()
    MediaTask.objects.filter(pk=task).update(version=F("version") + 1, changed_at=Now())
    return at


def callbacks(count: int) -> list[str]:
    tasks = MediaTask.objects.filter(status=Status.WAITING).order_by("upstream_id")[:count]
    return [f"/callbacks/{task.pk.hex}/{signing.callback_token(task.pk)}" for task in tasks]


def main(what: str, *told: str) -> Any:
    match what, told:
        case "waiting", (count, interval_s, lead_s, address):
            return waiting(int(count), float(interval_s), float(lead_s), address)
        case "film", (address, size):
            return film(address, int(size))
        case "callbacks", (count,):
            return callbacks(int(count))
        case _:
            return {"kept": kept, "touch": touch}[what](*told)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
