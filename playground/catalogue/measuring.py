"""Reading the ledgers of what ended, for what models were seen to do.

Every row of usage is of a run or task that just ended, numbered as it was written; check runs know when
they changed last. A reading may be repeated at will: only what is later than what is known counts.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from playground.catalogue import capabilities
from playground.catalogue.capabilities import Seen
from playground.catalogue.models import Mark
from playground.chat.models import Run
from playground.media.models import MediaTask
from playground.ops.models import Measured, UsageRecord
from playground.verify.models import CheckResult, CheckRun

BATCH, TICK_S = 1000, 20.0
LEASE = timedelta(minutes=5)
LONGEST_WHY = 300
_RUN = (
    "pk", "team_id", "user_id", "conversation__shared", "family", "model", "status", "params", "error_kind",
    "http_status", "attempts", "verdict", "reasoning_tokens", "ended_at", "asked__parts", "answer__parts",
)  # fmt: skip
_TASK = ("pk", "team_id", "family", "model", "status", "error_kind", "ended_at")
_CHECK = (
    "run_id", "run__team_id", "run__user_id", "run__shared", "run__key__shared", "family", "model", "state",
    "capability", "said", "drill", "at", "run__ended_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Which row of what was measured a sighting belongs to. Without `user`: what the team may know."""

    team: uuid.UUID
    user: uuid.UUID | None
    source: str
    family: str
    model: str
    capability: str


@dataclass(slots=True)
class Sightings:
    """The latest of each kind at one place."""

    works_at: datetime | None = None
    works_in: uuid.UUID | None = None
    fails_at: datetime | None = None
    fails_in: uuid.UUID | None = None
    fails_why: str = ""

    def add(self, at: datetime, subject: uuid.UUID, why: str) -> None:
        if why and (self.fails_at is None or at > self.fails_at):
            self.fails_at, self.fails_in, self.fails_why = at, subject, why[:LONGEST_WHY]
        elif not why and (self.works_at is None or at > self.works_at):
            self.works_at, self.works_in = at, subject


Told = dict[Place, Sightings]
# From what comes after a number, at most so many: what was seen, and the last number there was.
Reading = Callable[[int, int], tuple[Told, int]]


def look(now: datetime, *, tick_s: float = TICK_S) -> int:
    """Read on in every ledger, for at most `tick_s`. Returns how many batches brought something."""
    until = time.monotonic() + tick_s
    return sum(_read_on(name, read, now, until) for name, read in LEDGERS.items())


def forget() -> None:
    """Begin anew: what is known is measured again from the whole ledgers."""
    with transaction.atomic():
        Measured.objects.all().delete()
        Mark.objects.all().delete()


def _read_on(ledger: str, read: Reading, now: datetime, until: float) -> int:
    mark, _ = Mark.objects.get_or_create(ledger=ledger)
    mine = Mark.objects.filter(ledger=ledger)
    if not mine.filter(Q(lease_until=None) | Q(lease_until__lte=now)).update(lease_until=now + LEASE):
        return 0
    mark.refresh_from_db()
    at, done, over = mark.before, 0, False
    try:
        while not over and time.monotonic() < until:
            told, last = read(at, BATCH)
            over = last == at
            if not over:
                with transaction.atomic():
                    _write(told)
                at, done = last, done + 1
        # What is new now is read once more by the next look: a row with a lower number may come late.
        mine.update(before=mark.upto if over else at, upto=max(at, mark.upto))
    finally:
        mine.update(lease_until=None)
    return done


def _usage(after: int, most: int) -> tuple[Told, int]:
    rows = UsageRecord.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "subject")[:most]
    subjects = dict(rows)
    told: Told = {}
    _gather(told, _of_runs(_ids(subjects.values(), "run:")))
    _gather(told, _of_tasks(_ids(subjects.values(), "task:")))
    return told, max(subjects, default=after)


def _ids(subjects: Iterable[str], before: str) -> list[uuid.UUID]:
    found = []
    for subject in subjects:
        if subject.startswith(before):
            try:
                found.append(uuid.UUID(subject.removeprefix(before)))
            except ValueError:
                continue
    return found


Sighting = tuple[Place, datetime, uuid.UUID, str]


def _gather(told: Told, sightings: Iterable[Sighting]) -> None:
    for place, at, subject, why in sightings:
        told.setdefault(place, Sightings()).add(at, subject, why)


def _of_runs(pks: Sequence[uuid.UUID]) -> Iterator[Sighting]:
    for row in Run.objects.filter(pk__in=pks, ended_at__isnull=False).values(*_RUN) if pks else ():
        run = row | {"asked": row["asked__parts"], "answer": row["answer__parts"]}
        whose = {row["user_id"]} - {None} | ({None} if row["conversation__shared"] else set())
        for seen in capabilities.of_run(run):
            yield from _sighted(row["team_id"], whose, "run", row["family"], seen, row["ended_at"], row["pk"])


def _of_tasks(pks: Sequence[uuid.UUID]) -> Iterator[Sighting]:
    """The team sees each other's tasks."""
    for row in MediaTask.objects.filter(pk__in=pks, ended_at__isnull=False).values(*_TASK) if pks else ():
        for seen in capabilities.of_task(row):
            yield from _sighted(
                row["team_id"], {None}, "task", row["family"], seen, row["ended_at"], row["pk"]
            )


def _checks(after: int, most: int) -> tuple[Told, int]:
    since = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=after)
    ended = CheckRun.objects.filter(changed_at__gt=since).exclude(state__in=CheckRun.LIVE)
    runs = dict(ended.order_by("changed_at").values_list("pk", "changed_at")[:most])
    told: Told = {}
    if runs:
        _gather(told, _of_checks(CheckResult.objects.filter(run__in=list(runs)).values(*_CHECK)))
    return told, max((_micros(at) for at in runs.values()), default=after)


def _micros(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


def _of_checks(rows: Iterable[Mapping[str, Any]]) -> Iterator[Sighting]:
    for row in rows:
        shared = row["run__shared"] or row["run__key__shared"]
        whose = {row["run__user_id"]} - {None} | ({None} if shared else set())
        at = row["at"] or row["run__ended_at"]
        for seen in capabilities.of_check(row):
            yield from _sighted(row["run__team_id"], whose, "check", row["family"], seen, at, row["run_id"])


def _sighted(
    team: uuid.UUID,
    whose: Iterable[uuid.UUID | None],
    source: str,
    family: str,
    seen: Seen,
    at: datetime,
    subject: uuid.UUID,
) -> Iterator[Sighting]:
    for user in whose:
        yield Place(team, user, source, family, seen.model, seen.capability), at, subject, seen.why


LEDGERS: dict[str, Reading] = {"usage": _usage, "checks": _checks}


def _write(told: Told) -> None:
    """Merge with what is known: a later sighting takes the place of an earlier one."""
    if not told:
        return
    teams, models = {place.team for place in told}, {place.model for place in told}
    known = {_place(row): row for row in Measured.objects.filter(team__in=teams, model__in=models)}
    new, later = [], []
    for place, found in told.items():
        row = known.get(place)
        if row is None:
            row = Measured(
                team_id=place.team, user_id=place.user, source=place.source, family=place.family,
                model=place.model, capability=place.capability,
            )  # fmt: skip
            _take(row, found)
            new.append(row)
        elif _take(row, found):
            later.append(row)
    Measured.objects.bulk_create(new, batch_size=BATCH)
    fields = ["works_at", "works_in", "fails_at", "fails_in", "fails_why"]
    Measured.objects.bulk_update(later, fields, batch_size=BATCH)


def _place(row: Measured) -> Place:
    return Place(row.team_id, row.user_id, row.source, row.family, row.model, row.capability)


def _take(row: Measured, found: Sightings) -> bool:
    """Whether anything found is news to the row; it has it then."""
    news = False
    if found.works_at and (row.works_at is None or found.works_at > row.works_at):
        row.works_at, row.works_in, news = found.works_at, found.works_in, True
    if found.fails_at and (row.fails_at is None or found.fails_at > row.fails_at):
        row.fails_at, row.fails_in, row.fails_why = found.fails_at, found.fails_in, found.fails_why
        news = True
    return news
