"""The database's side of a run: claim it, save it while it runs, end it, and find the dead.

All functions block; the relay calls them on threads of its own. Every write of a live run asks that
the writer still owns it, so an owner that was asleep past its lease changes nothing.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts import vault
from accounts.models import GatewayKey
from playground.chat import requests
from playground.chat.models import Conversation, Run, Turn
from playground.gateway.errors import GatewayError
from playground.gateway.events import Usage
from playground.gateway.request import ChatRequest
from playground.live import bus
from playground.ops.models import UsageRecord

log = logging.getLogger(__name__)
USAGE = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


@dataclass(frozen=True, slots=True)
class Claim:
    """A run this process now owns, and all it needs to ask. `refusal`: why it cannot be asked at all."""

    run: uuid.UUID
    conversation: uuid.UUID
    turn: uuid.UUID
    user: uuid.UUID | None
    family: str
    base_url: str
    secret: vault.Secret | None
    request: ChatRequest | None
    prefix: list[dict[str, Any]]
    row: Run
    refusal: GatewayError | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; `parts` is what the answer holds."""

    status: str
    parts: list[dict[str, Any]]
    usage: Usage
    first_token_ms: int | None = None
    served_model: str = ""
    upstream_id: str = ""
    request_id: str = ""
    reason: str = ""
    raw_reason: str = ""
    native: Any = None
    error: GatewayError | None = None
    attempts: tuple[dict[str, Any], ...] = ()

    @property
    def text(self) -> str:
        return "\n\n".join(part["text"] for part in self.parts if part["kind"] in ("text", "refusal"))


def claim(run_id: uuid.UUID, owner: str, now: datetime) -> Claim | None:
    """Make a queued run ours and read what it asks. None: somebody else has it, or it is over."""
    lease = now + timedelta(seconds=settings.RUN_LEASE_S)
    queued = Run.objects.filter(pk=run_id, status=Run.Status.QUEUED)
    won = queued.filter(stop_requested_at=None).update(
        status=Run.Status.RUNNING, owner=owner, lease_until=lease, started_at=now
    )
    if not won:
        queued.exclude(stop_requested_at=None).update(status=Run.Status.STOPPED, ended_at=now)
        return None
    run = Run.objects.select_related("key", "answer", "asked").get(pk=run_id)
    if run.answer is None:
        Run.objects.filter(pk=run_id).update(status=Run.Status.STOPPED, ended_at=now)
        return None
    secret, request, refusal = _opened(run)
    return Claim(
        run=run.pk,
        conversation=run.conversation_id,
        turn=run.answer.pk,
        user=run.user_id,
        family=run.family,
        base_url=run.key.base_url if run.key else "",
        secret=secret,
        request=request,
        prefix=run.answer.parts if run.params.get("continues") else [],
        row=run,
        refusal=refusal,
    )


def _opened(run: Run) -> tuple[vault.Secret | None, ChatRequest | None, GatewayError | None]:
    if run.key is None:
        return None, None, GatewayError("auth", "The key of this message is gone.", code="key_gone")
    if run.key.base_url not in settings.GATEWAY_URLS:
        message = f"{run.key.base_url} is no longer among the gateway addresses allowed here."
        return None, None, GatewayError("permission", message, code="address_not_allowed")
    try:
        secret = vault.open_key(run.key)
        return secret, requests.build(run), None
    except vault.VaultError as error:
        return None, None, GatewayError("auth", str(error), code="key_unusable")
    except OSError as error:
        log.error("a file attached to run %s cannot be read: %s", run.pk, error)
        return None, None, GatewayError("invalid_request", "An attached file cannot be read.", code="file")


def save(
    owner: str,
    runs: Iterable[uuid.UUID],
    texts: Iterable[tuple[uuid.UUID, list[dict[str, Any]]]],
    now: datetime,
) -> set[uuid.UUID]:
    """Keep the parts so far by turn, and renew the leases of `runs`, in one transaction.

    Returns the runs that somebody wants stopped. The searchable text is written at the end only:
    its index costs more than the rest of the save.
    """
    cast, adapt = ("%s::jsonb", str) if settings.POSTGRESQL else ("%s", lambda pk: pk.hex)
    rows = [(json.dumps(parts), adapt(turn), owner) for turn, parts in texts]
    mine = Run.objects.filter(pk__in=list(runs), owner=owner, status=Run.Status.RUNNING)
    with transaction.atomic():
        # Runs before turns, as in `finish`: the other order deadlocks with it on PostgreSQL.
        mine.update(lease_until=now + timedelta(seconds=settings.RUN_LEASE_S))
        if rows:
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"UPDATE chat_turn SET parts = {cast} WHERE id = %s AND EXISTS (SELECT 1 FROM chat_run"  # noqa: S608 - no value is built in
                    " WHERE chat_run.answer_id = chat_turn.id AND owner = %s AND status = 'running')",
                    rows,
                )
        return set(mine.exclude(stop_requested_at=None).values_list("pk", flat=True))


def finish(claim: Claim, owner: str, outcome: Outcome, now: datetime) -> bool:
    """End a run of ours: answer, run, usage and conversation in one transaction. False: it was not ours."""
    error = outcome.error
    with transaction.atomic():
        mine = Run.objects.filter(pk=claim.run, owner=owner, status=Run.Status.RUNNING)
        won = mine.update(
            status=outcome.status,
            ended_at=now,
            lease_until=None,
            served_model=outcome.served_model[:255],
            upstream_id=outcome.upstream_id[:200],
            request_id=(outcome.request_id or (error.request_id if error else ""))[:200],
            reason=outcome.reason,
            raw_reason=outcome.raw_reason[:100],
            error_kind=error.kind if error else "",
            error_code=error.code[:100] if error else "",
            error_message=error.message if error else "",
            http_status=error.status if error else None,
            retry_after_s=error.retry_after_s if error else None,
            attempts=list(outcome.attempts),
            first_token_ms=outcome.first_token_ms,
            **{name: getattr(outcome.usage, name) for name in USAGE},
        )
        if not won:
            return False
        Turn.objects.filter(pk=claim.turn).update(
            parts=outcome.parts,
            text=outcome.text,
            native=outcome.native,
            native_for=f"{claim.family} {claim.request.model}"[:300]
            if outcome.native and claim.request
            else "",
        )
        Conversation.objects.filter(pk=claim.conversation).update(updated_at=now)
        _record_usage(claim.row, outcome, now)
    return True


def _record_usage(run: Run, outcome: Outcome, now: datetime) -> None:
    took = (now - run.started_at).total_seconds() * 1000 if run.started_at else None
    UsageRecord.objects.create(
        team_id=run.team_id,
        user_id=run.user_id,
        key_id=run.key_id,
        subject=f"run:{run.pk}",
        family=run.family,
        model=run.model,
        outcome=outcome.status,
        latency_ms=round(took) if took is not None else None,
        at=now,
        **{name: getattr(outcome.usage, name) for name in USAGE},
    )
    minute_ago = now - timedelta(minutes=1)
    if run.key is not None and (run.key.last_used_at is None or run.key.last_used_at < minute_ago):
        GatewayKey.objects.filter(pk=run.key.pk).update(last_used_at=now)


def sweep(now: datetime) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Mark every run whose owner is gone as interrupted. Returns (run, conversation) of those."""
    dead = Run.objects.filter(status=Run.Status.RUNNING, lease_until__lt=now)
    return [
        (run.pk, run.conversation_id) for run in dead.select_related("answer", "key") if _interrupt(run, now)
    ]


def _interrupt(run: Run, now: datetime) -> bool:
    parts = _kept(run)
    text = "\n\n".join(part["text"] for part in parts if part.get("kind") in ("text", "refusal"))
    status = Run.Status.STOPPED if run.stop_requested_at else Run.Status.INTERRUPTED
    with transaction.atomic():
        still = Run.objects.filter(pk=run.pk, status=Run.Status.RUNNING, lease_until__lt=now)
        won = still.update(status=status, ended_at=now, lease_until=None) == 1
        if won and run.answer_id:
            Turn.objects.filter(pk=run.answer_id).update(parts=parts, text=text)
        if won:
            _record_usage(run, Outcome(status=status, parts=[], usage=Usage()), now)
    return won


def _kept(run: Run) -> list[dict[str, Any]]:
    """The longer of what was saved and what the shared log still holds."""
    saved: list[dict[str, Any]] = run.answer.parts if run.answer else []
    view = bus.read_run(settings.REDIS_URL, str(run.pk)) if settings.REDIS_URL else None
    logged = view.stored_parts() if view else []
    return max(saved, logged, key=lambda parts: sum(len(part.get("text", "")) for part in parts))


def waiting(now: datetime, limit: int = 50) -> list[uuid.UUID]:
    """Queued runs that nobody claimed for a while; their process may have died before it could."""
    cut = now - timedelta(seconds=2)
    queued = Run.objects.filter(status=Run.Status.QUEUED, created_at__lt=cut).order_by("created_at")
    return list(queued.values_list("pk", flat=True)[:limit])
