"""Runs of examples that wait for a free place: begun in order as places become free, by any web process.

A row is what waits. The transaction that begins its run takes it away, so that a run begins once, however
many processes look, and none is lost when one dies.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError, transaction
from django.http import Http404
from django.utils import timezone

from accounts import keys
from accounts.models import GatewayKey, User
from playground.library import kinds, rights
from playground.library.kinds import Kind
from playground.library.models import Example, Level, Prompt, PromptVersion, Waiting
from playground.threads import with_database

log = logging.getLogger(__name__)
LOOK_S = 2.0
MOST_WORDS = 2_000
GONE = "You may not run this prompt any more."
BROKEN = "It could not be begun. The log of the site says why."


def add(version: PromptVersion, user: User, key: GatewayKey | None, examples: Iterable[Example]) -> None:
    """Let the examples wait behind what waits already; one that waits keeps its place."""
    key_id = key.pk if key else None
    rows = [
        Waiting(user=user, version=version, key=key_id, name=each.name, values=each.values)
        for each in examples
    ]
    Waiting.objects.filter(user=user, version=version).exclude(why="").delete()
    Waiting.objects.bulk_create(rows, ignore_conflicts=True)


def of(prompt: Prompt, user: User) -> list[Waiting]:
    """The person's own of all versions, those included that could not begin."""
    return list(Waiting.objects.filter(version__prompt=prompt, user=user).order_by("pk"))


def stop(prompt: Prompt, user: User) -> int:
    """Take away what waits, and what could not begin; how many there were."""
    return Waiting.objects.filter(version__prompt=prompt, user=user).delete()[0]


def forget(example: Example) -> None:
    Waiting.objects.filter(version__prompt=example.prompt_id, name=example.name).delete()


def any_for(user: User, kind: str) -> bool:
    return Waiting.objects.filter(user=user, why="", version__prompt__kind=kind).exists()


def begin() -> int:
    """Begin what there are places for, the oldest first; how many began."""
    begun, full = 0, set()
    lines = Waiting.objects.filter(why="").order_by("pk")
    for pk, user_id, key in lines.values_list("pk", "user_id", "version__prompt__kind"):
        if (user_id, key) in full:
            continue
        # Read one by one: each carries all that its version says.
        row = Waiting.objects.select_related("version__prompt__team", "user").filter(pk=pk, why="").first()
        kind = kinds.get(key)
        if row is not None and kind is not None and not has_room(kind, row.user):
            full.add((user_id, key))
        elif row is not None and _begin(row, kind):
            begun += 1
    return begun


def has_room(kind: Kind, user: User) -> bool:
    return kind.room is None or kind.room(user) > 0


def _begin(row: Waiting, kind: Kind | None) -> bool:
    try:
        with transaction.atomic():
            if not Waiting.objects.filter(pk=row.pk, why="").delete()[0]:
                return False
            _run(row, kind)
    except ValueError as error:
        if kind is None or has_room(kind, row.user):
            _say(row, str(error) or BROKEN)
        return False
    except (PermissionDenied, Http404):
        _say(row, GONE)
        return False
    except (DatabaseError, InterfaceError):
        raise
    except Exception:
        log.exception("a run of example %s that waited could not be begun", row.pk)
        _say(row, BROKEN)
        return False
    return True


def _run(row: Waiting, kind: Kind | None) -> None:
    version = row.version
    rights.need(row.user, version.prompt, Level.RUN)
    if kind is None or kind.run is None:
        raise ValueError("Prompts of this kind cannot be run from here.")
    kind.run(version, dict(row.values), row.user, _key(row.user, version, row.key))


def _key(user: User, version: PromptVersion, wanted: uuid.UUID | None) -> GatewayKey | None:
    if wanted is None:
        return None
    key = keys.usable(user, version.prompt.team, timezone.now()).filter(pk=wanted).first()
    if key is None:
        raise ValueError(keys.GONE)
    return key


def _say(row: Waiting, why: str) -> None:
    Waiting.objects.filter(pk=row.pk).update(why=why[:MOST_WORDS])


async def watch(hub: object) -> None:
    """For ever, in every web process; cancel it to end."""
    with ThreadPoolExecutor(1, thread_name_prefix="waiting") as thread:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await asyncio.get_running_loop().run_in_executor(thread, with_database, begin)
            except (DatabaseError, InterfaceError) as error:
                log.warning("what waits could not be asked for: %s", type(error).__name__)
            except Exception:
                log.exception("what waits could not be begun; the next look tries again")
