"""The site's own code in a process beside it: makes tasks and tells how they stand, a JSON line each way."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests._servers.forkserver import Child
from tests._servers.processes import PYTHON, ROOT, fork_server, until


class Desk:
    """`ask` runs one of the functions below there. Ended with the test."""

    def __init__(self, process: Child) -> None:
        self._process = process

    def ask(self, act: str, **arguments: Any) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([act, arguments]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def place(self, prompt: str, *, kling: bool = False, times: int = 1) -> list[str]:
        made: list[str] = self.ask("place", prompt=prompt, kling=kling, times=times)
        return made

    def rows(self) -> list[dict[str, Any]]:
        """Every task, the oldest first, with its assets."""
        found: list[dict[str, Any]] = self.ask("rows")
        return found

    def wait_for(self, status: str, *, count: int = 1) -> list[dict[str, Any]]:
        """Until so many tasks have this status."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [row for row in self.rows() if row["status"] == status]
            return len(found) >= count

        try:
            until(there)
        except AssertionError:
            raise AssertionError(f"never {count} x {status}: {self.rows()}") from None
        return found


@contextmanager
def open_desk(env: dict[str, str], *, bent: str = "") -> Iterator[Desk]:
    """`bent`: see `tests.media.bent`."""
    argv = [PYTHON, "-m", *(["tests.media.bent", bent] if bent else []), "tests.media.desk"]
    process = fork_server().start(argv, env, ROOT, talks=True)
    try:
        yield Desk(process)
    finally:
        process.kill()
        process.wait()
        process.close()


def _acts() -> dict[str, Callable[..., Any]]:
    """What can be asked for; only the process itself loads Django."""
    import uuid

    from django.db import OperationalError, connection, transaction
    from django.db.models.functions import Now

    from accounts.models import GatewayKey
    from playground.media import ledger, orders, routes, signing
    from playground.media.models import Asset, MediaTask

    def place(prompt: str, kling: bool, times: int) -> list[str]:
        key = GatewayKey.objects.filter(team__personal_of=None).get()
        values = {"model": "m", "mode": "std"} if kling else {"model": "m"}
        operation = "kling.text2video" if kling else "dashscope.video"
        made = []
        for number in range(times):
            form = uuid.uuid4()
            text = f"{prompt} {number}" if times > 1 else prompt
            filled = values | ({"prompt": text} if kling else {"input.prompt": text})
            made.append(orders.place(orders.Order(operation, key.pk, form, filled), key.owner, key.team))
        return [str(task.pk) for task in made]

    def order(operation: str, values: dict[str, Any]) -> str:
        key = GatewayKey.objects.filter(team__personal_of=None).get()
        wanted = orders.Order(operation, key.pk, uuid.uuid4(), values)
        return str(orders.place(wanted, key.owner, key.team).pk)

    def declare(definition: dict[str, Any]) -> str:
        """The operation of a task route that is declared now."""
        key = GatewayKey.objects.filter(team__personal_of=None).get()
        route = routes.declare(key.team, key.owner, definition)
        return routes.key_of(route.versions.get().pk)

    def rows() -> list[dict[str, Any]]:
        return [
            {
                "id": str(task.pk),
                "operation": task.operation,
                "status": task.status,
                "version": task.version,
                "upstream_id": task.upstream_id,
                "polls": task.polls,
                "error": f"{task.error_kind} {task.error_code} {task.error_message}".strip(),
                "ends": task.events.filter(kind="ended").count(),
                "assets": [
                    {
                        "id": str(asset.pk),
                        "status": asset.status,
                        "media_type": asset.media_type,
                        "size": asset.size,
                        "sha256": asset.sha256,
                        "error": asset.error,
                    }
                    for asset in Asset.objects.filter(task=task)
                ],
            }
            for task in MediaTask.objects.order_by("created_at")
        ]

    def callback_path(task: str) -> str:
        pk = uuid.UUID(task)
        return f"/callbacks/{pk.hex}/{signing.callback_token(pk)}"

    def asset_file(task: str) -> str:
        """The name its file has on its way here."""
        return ledger.asset_id(uuid.UUID(task), "video:0").hex

    def point_key(url: str) -> int:
        return GatewayKey.objects.update(base_url=url)

    def hurry() -> int:
        with transaction.atomic():
            # Rows that are being written just now are left for the next time: to wait could deadlock.
            due = MediaTask.objects.filter(due_at__isnull=False).select_for_update(skip_locked=True)
            MediaTask.objects.filter(pk__in=list(due.values_list("pk", flat=True))).update(due_at=Now())
        with transaction.atomic():
            late = Asset.objects.filter(due_at__isnull=False).select_for_update(skip_locked=True)
            found = list(late.values_list("pk", flat=True))
            return Asset.objects.filter(pk__in=found).update(due_at=Now())

    def lapse() -> None:
        """The leases of a worker that is dead, or stands still, run out now and not at their time."""
        for model in (MediaTask, Asset):
            model._default_manager.exclude(lease_owner="").update(lease_until=Now())

    def writable() -> bool:
        """Whether nobody holds SQLite's pen, or on PostgreSQL a task's row, right now."""
        try:
            with connection.cursor() as cursor:
                if connection.vendor == "sqlite":
                    cursor.execute("PRAGMA busy_timeout = 200")
            with transaction.atomic():
                list(MediaTask.objects.select_for_update(nowait=True))
        except OperationalError:
            return False
        return True

    return {
        "declare": declare,
        "order": order,
        "place": place,
        "rows": rows,
        "callback_path": callback_path,
        "asset_file": asset_file,
        "point_key": point_key,
        "hurry": hurry,
        "lapse": lapse,
        "writable": writable,
    }


def main() -> None:
    import django
    from django.db import connections

    django.setup()
    acts = _acts()
    for line in sys.stdin:
        act, arguments = json.loads(line)
        print(json.dumps(acts[act](**arguments)), flush=True)
        connections.close_all()


if __name__ == "__main__":
    main()
