"""Runs of checks as rows: begun, claimed by a worker, written while they go on, stopped, and swept when their
process is gone. A change of state is a conditional update; whoever's does not win writes nothing.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts import keys, vault
from accounts.models import GatewayKey, Team, User
from playground.chat.ledger import USAGE
from playground.ops.models import UsageRecord
from playground.verify import changes, engine, setups, spending
from playground.verify.bench import Bench, Finding, Interrupted, Stopped, Subject
from playground.verify.models import CheckResult, CheckRun
from playground.verify.table import Check, named

log = logging.getLogger(__name__)
State = CheckRun.State
LEASE = timedelta(seconds=20)
RENEW_S = 3.0
NOT_RUN = {
    State.STOPPED: "Not run: somebody stopped the run before.",
    State.INTERRUPTED: "Not run: the process ended before.",
}
BROKEN_OFF = {
    State.STOPPED: "Stopped in the middle; nothing was found out.",
    State.INTERRUPTED: "The process ended in the middle of this check.",
}
BUSY = "This key is being checked right now. Wait until that run ends, or stop it."


class Refused(Exception):
    """A run cannot begin; the message says why."""


def begin(
    user: User,
    team: Team,
    key: GatewayKey,
    checks: list[Check],
    chosen: Mapping[str, str],
    *,
    begun_by: CheckRun.Begun = CheckRun.Begun.PERSON,
    owner: str = "",
) -> CheckRun:
    """A queued run with a waiting row for each check, and the worker told of it. Raises Refused.

    With an `owner` it is that process's from the start, and no worker takes it up.
    """
    now = timezone.now()
    if refusal := keys.refusal(key, user, now):
        raise Refused(refusal)
    if not checks:
        raise Refused("Choose at least one check.")
    with transaction.atomic():
        # Of two clicks at one moment the second sees the run of the first.
        GatewayKey.objects.select_for_update().get(pk=key.pk)
        if CheckRun.objects.filter(key=key, state__in=CheckRun.LIVE).exists():
            raise Refused(BUSY)
        run = CheckRun.objects.create(
            team=team,
            user=user,
            key=key,
            key_label=str(key),
            base_url=key.base_url,
            begun_by=begun_by,
            shared=key.shared,
            chosen=dict(chosen),
            **(_owned(owner, now) if owner else {}),
        )
        CheckResult.objects.bulk_create(
            CheckResult(
                run=run,
                number=number,
                name=check.name,
                family=check.family,
                capability=check.capability,
                cost=check.cost,
            )
            for number, check in enumerate(checks, 1)
        )
        if not owner:
            transaction.on_commit(lambda: tell_worker(run.pk))
    return run


def tell_worker(run: uuid.UUID) -> None:
    """Ring the worker's bell. Without a broker the beat finds the row."""
    try:
        current_app.send_task("playground.verify.tasks.begin", args=[str(run)], retry=False)
    except (OperationalError, OSError) as error:
        log.warning("the worker was not told of check run %s: %s", run, type(error).__name__)


def stop(run: CheckRun, now: datetime) -> bool:
    """Ask for a stop; one that nobody works on yet is over at once."""
    if CheckRun.objects.filter(pk=run.pk, state=State.QUEUED).update(**_ended(State.STOPPED, now)):
        _close(run.pk, State.STOPPED)
        return True
    waiting = CheckRun.objects.filter(pk=run.pk, state=State.RUNNING, stop_requested_at=None)
    return waiting.update(stop_requested_at=now, **_told(now)) == 1


def claim(owner: str, most: int, now: datetime) -> list[uuid.UUID]:
    """Up to `most` queued runs that this process works on from now."""
    queued = CheckRun.objects.filter(state=State.QUEUED).order_by("created_at")
    return [pk for pk in queued.values_list("pk", flat=True)[:most] if take(pk, owner, now)]


def take(pk: uuid.UUID, owner: str, now: datetime) -> bool:
    return CheckRun.objects.filter(pk=pk, state=State.QUEUED).update(**_owned(owner, now), **_told(now)) == 1


def sweep(now: datetime) -> list[uuid.UUID]:
    """Mark the runs whose process is gone; they can be run again. Returns which."""
    spending.sweep(now)
    gone = []
    for pk in CheckRun.objects.filter(state=State.RUNNING, lease_until__lt=now).values_list("pk", flat=True):
        dead = CheckRun.objects.filter(pk=pk, state=State.RUNNING, lease_until__lt=now)
        if dead.update(**_ended(State.INTERRUPTED, now)):
            _close(pk, State.INTERRUPTED)
            gone.append(pk)
    return gone


def drive(
    pk: uuid.UUID,
    owner: str,
    *,
    ending: Callable[[], bool] = lambda: False,
    rest: Callable[[float], None] = time.sleep,
    sink: engine.Sink | None = None,
) -> None:
    """Work through a claimed run to its end, on this thread. `ending`: this process is being stopped."""
    run = CheckRun.objects.select_related("key", "user", "team").get(pk=pk)
    rows = Rows(run, owner, ending, beside=sink)
    checks = named(run.results.values_list("name", flat=True))
    try:
        subject = subject_of(run)
        names = tuple(check.name for check in checks)
        with Bench(subject, pulse=rows.pulse, rest=rest, names=names, run=run.pk) as bench:
            engine.work_through(checks, bench, rows)
    except vault.VaultError as error:
        rows.fail_all(str(error))
    except Stopped:
        rows.end(State.STOPPED)
        return
    except Interrupted:
        rows.end(State.INTERRUPTED)
        return
    bad = CheckResult.objects.filter(run=run, state=CheckResult.State.FAILED).exists()
    rows.end(State.FAILED if bad else State.PASSED)


def subject_of(run: CheckRun) -> Subject:
    """Raises VaultError, whose words are for the person."""
    if run.key is None:
        raise vault.VaultError("The key of this run is gone. Choose another one.")
    if refusal := keys.refusal(run.key, run.user, timezone.now()):
        raise vault.VaultError(refusal)
    secret = vault.open_key(run.key)
    GatewayKey.objects.filter(pk=run.key.pk).update(last_used_at=timezone.now())
    run.chosen, unlisted = setups.with_listed(run.key, run.chosen, timezone.now())
    CheckRun.objects.filter(pk=run.pk).update(chosen=run.chosen)
    return Subject(run.key_label, run.base_url, secret, run.chosen, run.key, run.user, run.team, unlisted)


class Rows:
    """The sink of a kept run, and its sign of life."""

    def __init__(
        self,
        run: CheckRun,
        owner: str,
        ending: Callable[[], bool] = lambda: False,
        *,
        beside: engine.Sink | None = None,
    ) -> None:
        self._run, self._owner, self._ending, self._beside = run, owner, ending, beside
        self._renewed = time.monotonic()

    def pulse(self) -> None:
        """Raises Stopped or Interrupted when this run is to go no further."""
        if self._ending():
            raise Interrupted
        mine = self._mine()
        if time.monotonic() - self._renewed > RENEW_S:
            mine.update(lease_until=timezone.now() + LEASE)
            self._renewed = time.monotonic()
        told = mine.values_list("stop_requested_at", flat=True).first()
        if told is not None:
            raise Stopped
        if not mine.exists():
            raise Interrupted

    def begins(self, check: Check, model: str) -> None:
        fields = {"state": CheckResult.State.RUNNING, "at": timezone.now(), "model": model[:255]}
        CheckResult.objects.filter(run=self._run, name=check.name).update(**fields)
        self._tell()
        if self._beside is not None:
            self._beside.begins(check, model)

    def found(self, check: Check, finding: Finding) -> None:
        with transaction.atomic():
            # A run that was given up meanwhile is somebody else's to tell of.
            if not self._tell():
                raise Interrupted
            CheckResult.objects.filter(run=self._run, name=check.name).update(**_columns(finding))
            self._note_usage(finding)
        if self._beside is not None:
            self._beside.found(check, finding)

    def fail_all(self, why: str) -> None:
        """The key cannot be opened: every check of the run fails for it."""
        told = {
            "state": CheckResult.State.FAILED,
            "said": why,
            "fix": "Its owner should look at it in Settings.",
        }
        self._run.results.filter(state__in=CheckResult.LIVE).update(at=timezone.now(), **told)

    def end(self, state: CheckRun.State) -> bool:
        now = timezone.now()
        with transaction.atomic():
            won = self._mine().update(**_ended(state, now)) == 1
            if won:
                _close(self._run.pk, state)
                if state in CheckRun.TOLD:
                    _compare(self._run)
        return won

    def _mine(self) -> QuerySet[CheckRun]:
        return CheckRun.objects.filter(pk=self._run.pk, state=State.RUNNING, owner=self._owner)

    def _tell(self) -> bool:
        return bool(self._mine().update(**_told(timezone.now())))

    def _note_usage(self, finding: Finding) -> None:
        """Each question of a model once, however many checks rest on it."""
        run, now = self._run, timezone.now()
        UsageRecord.objects.bulk_create(
            UsageRecord(
                team=run.team,
                user=run.user,
                key=run.key,
                subject=spent.name,
                family=spent.family,
                model=spent.model[:255],
                outcome="finished" if spent.answered else "failed",
                latency_ms=spent.total_ms,
                at=now,
                **{name: getattr(spent.usage, name) for name in USAGE},
            )
            for spent in finding.spent
        )
        for spent in finding.spent:
            spending.settle(spent.name, told=spent.known, now=now)


def _columns(finding: Finding) -> dict[str, object]:
    return {
        "state": finding.state,
        "model": finding.model[:255],
        "said": finding.said,
        "fix": finding.fix,
        "first_ms": finding.first_ms,
        "latency_ms": finding.total_ms,
        "input_tokens": finding.usage.input_tokens,
        "output_tokens": finding.usage.output_tokens,
        "http_status": finding.status,
        "error_kind": finding.error_kind,
        "drill": finding.drill,
        "evidence": finding.evidence,
        "task": finding.task,
    }


def _owned(owner: str, now: datetime) -> dict[str, Any]:
    return {"state": State.RUNNING, "owner": owner, "lease_until": now + LEASE, "started_at": now}


def _told(now: datetime) -> dict[str, object]:
    """What makes an open page look again."""
    return {"version": F("version") + 1, "changed_at": now}


def _ended(state: CheckRun.State, now: datetime) -> dict[str, object]:
    return {"state": state, "ended_at": now, "lease_until": None, "owner": "", **_told(now)}


def _close(pk: uuid.UUID, state: CheckRun.State) -> None:
    """What a run that ends early did not find out."""
    rows = CheckResult.objects.filter(run=pk)
    left: Iterable[tuple[str, dict[CheckRun.State, str]]] = (
        (CheckResult.State.WAITING, NOT_RUN),
        (CheckResult.State.RUNNING, BROKEN_OFF),
    )
    for was, words in left:
        if state in words:
            rows.filter(state=was).update(state=CheckResult.State.SKIPPED, said=words[state])


def _compare(run: CheckRun) -> None:
    """Keep what stands otherwise than before; of a run that nobody watched it is news."""
    found = changes.since_before(run)
    CheckRun.objects.filter(pk=run.pk).update(
        changes=[change.as_json() for change in found],
        notice=bool(found) and run.begun_by == CheckRun.Begun.SCHEDULE,
    )
