"""What stands otherwise than when the same key was last checked: "streaming regressed since 12 Nov"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from playground.verify.models import CheckResult, CheckRun
from playground.verify.table import BY_NAME

State = CheckResult.State


@dataclass(frozen=True, slots=True)
class Change:
    """One check that passed and fails, or the other way round. `since`: when it was last seen as it was."""

    name: str
    was: str
    now: str
    since: datetime

    @property
    def worse(self) -> bool:
        return self.now == State.FAILED

    @property
    def what(self) -> str:
        check = BY_NAME.get(self.name)
        return check.what if check else self.name

    @property
    def words(self) -> str:
        return f"{self.what} {self.verb}"

    @property
    def verb(self) -> str:
        return f"{'regressed' if self.worse else 'works again'} since {day(self.since)}"

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "was": self.was, "now": self.now, "since": self.since.isoformat()}

    @staticmethod
    def read(told: dict[str, Any]) -> Change:
        return Change(told["name"], told["was"], told["now"], datetime.fromisoformat(told["since"]))


def of(run: CheckRun) -> list[Change]:
    """As they were kept with the run."""
    return [Change.read(told) for told in run.changes]


def since_before(run: CheckRun) -> list[Change]:
    """Against each check's last earlier answer with this key; what was skipped then or now says nothing."""
    if run.key_id is None:
        return []
    now = {row.name: row.state for row in run.results.filter(state__in=CheckResult.TOLD)}
    found = []
    for name, (state, at) in _before(run, list(now)).items():
        if state != now[name]:
            found.append(Change(name, state, now[name], at))
    order = {name: place for place, name in enumerate(BY_NAME)}
    return sorted(found, key=lambda change: order.get(change.name, len(order)))


def _before(run: CheckRun, names: list[str]) -> dict[str, tuple[str, datetime]]:
    """The newest earlier result of each check, found in one reading, newest first."""
    rows = CheckResult.objects.filter(
        run__key=run.key_id, run__created_at__lt=run.created_at, name__in=names, state__in=CheckResult.TOLD
    )
    newest: dict[str, tuple[str, datetime]] = {}
    values = rows.order_by("-run__created_at").values_list("name", "state", "run__created_at")
    for name, state, at in values[: 100 * max(1, len(names))]:
        newest.setdefault(name, (state, at))
        if len(newest) == len(names):
            break
    return newest


def day(at: datetime) -> str:
    local, now = timezone.localtime(at), timezone.localtime()
    if local.date() == now.date():
        return f"{local:%H:%M}"
    return f"{local:%-d %b}" if local.year == now.year else f"{local:%-d %b %Y}"
