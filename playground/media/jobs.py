"""What a claimed row needs to be worked on: its operation, the opened key, what is known of its outputs."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from accounts import vault
from accounts.models import GatewayKey, Membership
from playground.gateway.errors import GatewayError
from playground.gateway.media.operation import Operation
from playground.media import catalogue, clock, ledger
from playground.media.machine import TaskState
from playground.media.models import Asset, MediaTask

NO_ROUTE = "This version of the playground does not know the route of this task."
NOT_LISTED = "{} is not among the gateway addresses this site allows."
LEFT = "The person who asked for this is no longer in the team, or the key is no longer shared with it."


@dataclass(frozen=True, slots=True)
class Access:
    """Where to ask and with what; `problem` is why that cannot be done now."""

    base_url: str = ""
    secret: vault.Secret | None = field(default=None, repr=False)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One task at work. `now` is the database's time when it was claimed."""

    task: MediaTask
    operation: Operation | None
    access: Access
    known: frozenset[str]
    now: datetime

    @property
    def state(self) -> TaskState:
        return ledger.state_of(self.task, self.known)

    def secret(self) -> str:
        """Raises GatewayError("auth") where there is none."""
        if self.access.secret is None:
            raise GatewayError("auth", self.access.problem, code="key_unusable")
        return self.access.secret.reveal()


@dataclass(frozen=True, slots=True)
class Fetch:
    """One file to be fetched; `access` only matters where the key is asked for."""

    asset: Asset
    access: Access


def of_tasks(tasks: Collection[MediaTask]) -> list[Job]:
    """A handful of queries, however many tasks there are."""
    access = _accesses(tasks)
    known = ledger.known_outputs([task.pk for task in tasks])
    now = clock.now()
    return [
        Job(task, catalogue.find(task.operation), access[task.pk], known.get(task.pk, frozenset()), now)
        for task in tasks
    ]


def of_assets(assets: Collection[Asset]) -> list[Fetch]:
    keyed = {asset.task_id for asset in assets if asset.needs_key}
    access = _accesses(MediaTask.objects.filter(pk__in=keyed)) if keyed else {}
    return [Fetch(asset, access.get(asset.task_id, Access())) for asset in assets]


def _accesses(tasks: Iterable[MediaTask]) -> dict[uuid.UUID, Access]:
    tasks = list(tasks)
    keys = GatewayKey.objects.in_bulk({task.key_id for task in tasks if task.key_id})
    members = set(
        Membership.objects.filter(
            user__in={task.user_id for task in tasks},
            team__in={task.team_id for task in tasks},
            user__is_active=True,
        ).values_list("user_id", "team_id")
    )
    opened: dict[uuid.UUID, Access] = {}
    found: dict[uuid.UUID, Access] = {}
    for task in tasks:
        key = keys.get(task.key_id) if task.key_id else None
        if key is None:
            found[task.pk] = Access(problem="The key of this task is gone.")
        elif (task.user_id, task.team_id) not in members or not _usable_by(key, task):
            found[task.pk] = Access(problem=LEFT)
        else:
            found[task.pk] = opened[key.pk] if key.pk in opened else opened.setdefault(key.pk, _opened(key))
    return found


def _usable_by(key: GatewayKey, task: MediaTask) -> bool:
    return key.team_id == task.team_id and (key.shared or key.owner_id == task.user_id)


def _opened(key: GatewayKey) -> Access:
    if key.base_url not in settings.GATEWAY_URLS:
        return Access(problem=NOT_LISTED.format(key.base_url))
    try:
        return Access(key.base_url, vault.open_key(key))
    except vault.VaultError as error:
        return Access(problem=str(error))
