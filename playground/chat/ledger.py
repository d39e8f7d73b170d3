"""The database's side of a run: claim it, save it while it runs, end it, and find the dead.

All functions block; the relay calls them on threads of its own. Every write of a live run asks that
the writer still owns it, so an owner that was asleep past its lease changes nothing.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts import keys, vault
from accounts.models import GatewayKey
from playground.chat import requests, rounds, schemas, spending
from playground.chat.models import Conversation, Run, Turn
from playground.chat.sources import is_sources
from playground.gateway.errors import GatewayError
from playground.gateway.events import Usage
from playground.live import bus
from playground.ops.models import UsageRecord
from playground.storage import StorageError
from playground.usage.budgets import OverBudget

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
    built: requests.Built | None
    prefix: list[dict[str, Any]]
    row: Run
    refusal: GatewayError | None = None
    # Tokens set aside for the answer; None where no budget asks.
    allowed: int | None = None


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
    native: str = ""
    error: GatewayError | None = None
    attempts: tuple[dict[str, Any], ...] = ()

    @property
    def text(self) -> str:
        return "\n\n".join(part["text"] for part in self.parts if part["kind"] in ("text", "refusal"))


def claim(run_id: uuid.UUID, owner: str, now: datetime) -> Claim | None:
    """Make a queued run ours and read what it asks. None: somebody else has it, or it is over."""
    lease = now + timedelta(seconds=settings.RUN_LEASE_S)
    queued = Run.objects.filter(pk=run_id, status=Run.Status.QUEUED)
    if not queued.update(status=Run.Status.RUNNING, owner=owner, lease_until=lease, started_at=now):
        return None
    run = Run.objects.select_related("key", "user", "answer", "asked", "prompt_version__prompt").get(
        pk=run_id
    )
    if run.answer is None:
        Run.objects.filter(pk=run_id).update(status=Run.Status.STOPPED, ended_at=now)
        return None
    secret, built, refusal = _opened(run, now)
    return Claim(
        run=run.pk,
        conversation=run.conversation_id,
        turn=run.answer.pk,
        user=run.user_id,
        family=run.family,
        base_url=run.key.base_url if run.key else "",
        secret=secret,
        built=built,
        prefix=run.answer.parts if run.params.get("continues") else [],
        row=run,
        refusal=refusal,
        allowed=spending.allowed(run),
    )


def _opened(
    run: Run, now: datetime
) -> tuple[vault.Secret | None, requests.Built | None, GatewayError | None]:
    if run.key is None:
        return None, None, GatewayError("auth", "The key of this message is gone.", code="key_gone")
    if run.key.base_url not in settings.GATEWAY_URLS:
        message = f"{run.key.base_url} is no longer among the gateway addresses allowed here."
        return None, None, GatewayError("permission", message, code="address_not_allowed")
    if refusal := keys.refusal(run.key, run.user, now, family=run.family, model=run.answered_by):
        # Taken out of the team, or the key limited, between the question and now.
        return None, None, GatewayError("permission", refusal, code="key_refused")
    try:
        secret = vault.open_key(run.key)
        return secret, requests.build(run), None
    except vault.VaultError as error:
        return None, None, GatewayError("auth", str(error), code="key_unusable")
    except OSError as error:
        log.error("a file attached to run %s cannot be read: %s", run.pk, error)
        told = str(error) if isinstance(error, StorageError) else ""
        message = f"An attached file cannot be read. {told}".strip()
        return None, None, GatewayError("invalid_request", message, code="file")


def fall_back(claim: Claim, attempts: list[dict[str, Any]], now: datetime) -> Claim:
    """The claim with the fallback in the place of the model, as the last of `attempts` says.

    Kept with the run before anything is sent: whatever happens next, it tells whose answer it holds.
    """
    run = claim.row
    run.attempts = attempts
    mine = Run.objects.filter(pk=run.pk, owner=run.owner, status=Run.Status.RUNNING)
    if not mine.update(attempts=attempts):
        gone = GatewayError("interrupted", "Another process has taken this run over.", code="taken_over")
        return replace(claim, secret=None, built=None, refusal=gone)
    log.warning(
        "run %s of %s falls back from %s to %s: %s, status %s",
        run.pk, attempts[-1]["workload"], run.model, run.answered_by, attempts[-1]["error"],
        attempts[-1]["status"],
    )  # fmt: skip
    try:
        with transaction.atomic():
            # Its price is another one than what is set aside for the run so far.
            spending.set_aside(run)
    except OverBudget as error:
        over = GatewayError("quota", str(error), code=spending.OVER)
        return replace(claim, secret=None, built=None, refusal=over)
    secret, built, refusal = _opened(run, now)
    return replace(claim, secret=secret, built=built, refusal=refusal)


def still_live(runs: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the runs that are not over."""
    return set(Run.objects.filter(pk__in=list(runs), status__in=Run.LIVE).values_list("pk", flat=True))


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


def finish(claim: Claim, owner: str, outcome: Outcome, now: datetime, went_on: Callable[[Run], None]) -> bool:
    """End a run of ours: answer, run, usage and conversation in one transaction. False: it was not ours."""
    error = outcome.error
    verdict, native = _verdict(claim.row, outcome), _native(claim.row, outcome.native)
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
            losses=list(claim.built.losses) if claim.built else [],
            verdict=verdict,
            **{name: getattr(outcome.usage, name) for name in USAGE},
        )
        if not won:
            return False
        Turn.objects.filter(pk=claim.turn).update(
            parts=outcome.parts,
            text=outcome.text,
            native=native or None,
            native_for=f"{claim.family} {claim.row.answered_by}"[:300] if native else "",
        )
        Conversation.objects.filter(pk=claim.conversation).update(updated_at=now)
        _record_usage(claim.row, outcome, now)
        if outcome.status == Run.Status.FINISHED and outcome.reason == "tool_calls":
            following = rounds.run_on(claim.row, outcome.parts)
            if following is not None:
                transaction.on_commit(partial(went_on, following))
    return True


def _native(run: Run, native: str) -> str:
    """The native content of the whole turn: an answer that was continued came in two pieces, and only
    what the provider itself paused can be put together.
    """
    if not native or not run.params.get("continues"):
        return native
    if begun := run.params.get("paused"):
        return f"{begun[:-1]},{native[1:]}" if len(native) > 2 else begun
    return ""


def _verdict(run: Run, outcome: Outcome) -> schemas.Verdict | None:
    """Whether a finished answer fits the schema it was asked for; calls on the way to one are not judged."""
    wanted = run.params.get("schema")
    if not wanted or outcome.status != Run.Status.FINISHED or outcome.reason == "tool_calls":
        return None
    text = "".join(part["text"] for part in outcome.parts if part["kind"] == "text")
    return schemas.judge(text, wanted["schema"])


def _record_usage(run: Run, outcome: Outcome, now: datetime) -> None:
    took = (now - run.started_at).total_seconds() * 1000 if run.started_at else None
    UsageRecord.objects.create(
        team_id=run.team_id,
        user_id=run.user_id,
        key_id=run.key_id,
        subject=f"run:{run.pk}",
        family=run.family,
        model=run.answered_by,
        outcome=outcome.status,
        prompt=run.prompt_version.prompt_id if run.prompt_version else None,
        latency_ms=round(took) if took is not None else None,
        at=now,
        **{name: getattr(outcome.usage, name) for name in USAGE},
    )
    # A run that failed before its first word is not taken to be charged.
    told = None not in (outcome.usage.input_tokens, outcome.usage.output_tokens)
    spending.settle(run, told=told or (outcome.status == Run.Status.FAILED and not outcome.parts), now=now)
    minute_ago = now - timedelta(minutes=1)
    if run.key is not None and (run.key.last_used_at is None or run.key.last_used_at < minute_ago):
        GatewayKey.objects.filter(pk=run.key.pk).update(last_used_at=now)


def sweep(now: datetime) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Mark every run whose owner is gone as interrupted. Returns (run, conversation) of those."""
    spending.sweep(now)
    dead = Run.objects.filter(status=Run.Status.RUNNING, lease_until__lt=now)
    rows = dead.select_related("answer", "key", "prompt_version")
    return [(run.pk, run.conversation_id) for run in rows if _interrupt(run, now)]


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
    # The log holds the sources as HTML alone.
    cited = [part for part in saved if is_sources(part)]
    logged = [part for part in view.stored_parts() if not is_sources(part)] + cited if view else []
    return max(saved, logged, key=lambda parts: sum(len(part.get("text", "")) for part in parts))


def waiting(now: datetime, limit: int = 50) -> list[uuid.UUID]:
    """Queued runs that nobody claimed for a while; their process may have died before it could."""
    cut = now - timedelta(seconds=2)
    queued = Run.objects.filter(status=Run.Status.QUEUED, created_at__lt=cut).order_by("created_at")
    return list(queued.values_list("pk", flat=True)[:limit])
