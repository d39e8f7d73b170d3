"""Which models each key can see: refreshed from the Models API, kept as rows, offered to the picker."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts import vault
from accounts.models import GatewayKey, Team, User
from playground.gateway import catalog as models_api
from playground.gateway.catalog import ModelInfo
from playground.gateway.errors import GatewayError
from playground.gateway.request import WireRequest
from playground.gateway.transport import Transport
from playground.gateway.wire import FAMILIES
from playground.ops.models import ModelEntry

FRESH_FOR = timedelta(hours=6)
# After a failure that may pass: the gateway was away, or not yet started.
TRY_AGAIN_AFTER = timedelta(minutes=5)
WHOLE_LIST_S, MOST_PAGES = 20.0, 200
# A test is waited for by a person; what it leaves out is fetched behind their back.
TEST_S, TEST_PAGES = 8.0, 2
# One tick of the schedule: what is not reached is due in the next one.
TICK_S, TICK_KEY_S = 45.0, 10.0
BATCH = 500
NOT_LISTED = "The gateway address {} is not one this site allows any more. Choose another for this key."

# Ids that say what they are for, which is not chat.
_NOT_CHAT = re.compile(
    r"(?i)image|video|embed|tts|speech|audio|whisper|transcri|realtime|rerank|moderation|music|suno|kling|"
    r"dall-e|sora|veo|imagen|wan\d|t2v|i2v|ocr"
)
_SMALL = re.compile(r"(?i)mini|flash|haiku|lite|small")
_REFUSED = frozenset({"auth", "permission"})
# Nothing to wait for: somebody has to change the key, or the site.
_USELESS = _REFUSED | {"vault", "address"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a refresh went. `sentence` is for the person; `complete` is False when there are more models."""

    ok: bool
    count: int
    error_kind: str
    sentence: str
    request_id: str
    complete: bool = True

    @property
    def refused(self) -> bool:
        return self.error_kind in _REFUSED


@cache
def shared_transport() -> Transport:
    """One connection pool for a process's threads."""
    return Transport()


def refresh(
    key: GatewayKey,
    transport: Transport,
    now: datetime,
    *,
    timeout_s: float = WHOLE_LIST_S,
    most_pages: int = MOST_PAGES,
) -> Outcome:
    """Ask the gateway what the key can see and keep the answer; a failure changes no model row."""
    if key.base_url not in settings.GATEWAY_URLS:
        return _failed(key, Outcome(False, 0, "address", NOT_LISTED.format(key.base_url), ""), now)
    try:
        send = _sender(key, transport, timeout_s)
        lists = {family: _fetch(send, family, most_pages) for family in FAMILIES}
    except vault.VaultError as error:
        return _failed(key, Outcome(False, 0, "vault", str(error), ""), now)
    except GatewayError as error:
        return _failed(key, Outcome(False, 0, error.kind, _sentence(error), error.request_id), now)
    outcome = _counted(lists)
    with transaction.atomic():
        if _note(key, outcome, now):
            for family, (models, complete) in lists.items():
                _write(key, family, models, complete, now)
    return outcome


def _failed(key: GatewayKey, outcome: Outcome, now: datetime) -> Outcome:
    _note(key, outcome, now)
    return outcome


def refresh_due(transport: Transport, now: datetime, *, tick_s: float = TICK_S) -> int:
    """Refresh the keys nobody refreshed for six hours, the longest waiting first. Returns how many.

    A list that could not be had is asked for again after five minutes.
    """
    old = Q(tested_at=None) | Q(tested_at__lte=now - FRESH_FOR)
    old |= Q(test_passed=None, tested_at__lte=now - TRY_AGAIN_AFTER)
    due = GatewayKey.objects.filter(old, revoked_at=None).order_by("tested_at")
    until, done = time.monotonic() + tick_s, 0
    for key in due[:BATCH]:
        if time.monotonic() >= until:
            break
        if _claim(key, now):
            refresh(key, transport, now, timeout_s=TICK_KEY_S)
            done += 1
    return done


def usable_keys(user: User, team: Team) -> list[GatewayKey]:
    """The person's own live keys in the team, then those others share with it, then the demo's.

    Keys that were refused when they were last tried come after all others.
    """
    rows = GatewayKey.objects.filter(Q(owner=user) | Q(shared=True), team=team, revoked_at=None)
    return sorted(
        rows.select_related("owner"),
        key=lambda key: (
            key.test_passed is False,
            key.is_demo,
            key.owner_id != user.pk,
            key.test_passed is None,
            key.label.lower(),
        ),
    )


def choose_model(entries: Iterable[ModelEntry]) -> str:
    """An id to begin with: one for chat, rather small, else the first on the list; "" for no entries."""
    there = [entry for entry in entries if entry.gone_at is None]
    best = min(there, key=_rank, default=None)
    return best.model_id if best else ""


def _rank(entry: ModelEntry) -> tuple[bool, bool, bool, int]:
    name = entry.model_id
    return (bool(_NOT_CHAT.search(name)), name != "demo-chat", not _SMALL.search(name), entry.pk or 0)


def _sender(key: GatewayKey, transport: Transport, timeout_s: float) -> Callable[[WireRequest], bytes]:
    """Sends with the key, all requests together within `timeout_s`. Raises VaultError at once."""
    secret = vault.open_key(key)
    until = time.monotonic() + timeout_s

    def send(wire: WireRequest) -> bytes:
        left = until - time.monotonic()
        if left <= 0:
            raise GatewayError("timeout", "The list of models did not come in time.", code="total_timeout")
        return transport.send(wire, key.base_url, secret.reveal(), timeout_s=left)

    return send


def _fetch(
    send: Callable[[WireRequest], bytes], family: str, most_pages: int
) -> tuple[dict[str, ModelInfo], bool]:
    """The models by id, and whether these are all. A page without a new id is the end (contract 5)."""
    models: dict[str, ModelInfo] = {}
    after: str | None = None
    for _ in range(most_pages):
        page = models_api.decode_page(send(models_api.list_request(family, after)))
        known = len(models)
        for model in page.models:
            models.setdefault(model.model_id, model)
        after = page.next_after
        if after is None or len(models) == known:
            return models, True
    return models, False


def _counted(lists: dict[str, tuple[dict[str, ModelInfo], bool]]) -> Outcome:
    count = len({model_id for models, _ in lists.values() for model_id in models})
    complete = all(complete for _, complete in lists.values())
    told = f"{count:,} model" if count == 1 else f"{count:,} models"
    if not complete:
        return Outcome(True, count, "", f"{told} so far; the rest is being fetched.", "", complete=False)
    return Outcome(True, count, "", f"{told}." if count else "The gateway shows this key no model.", "")


def _sentence(error: GatewayError) -> str:
    wait = error.retry_after_s
    return f"{error.about.sentence} The gateway asks to wait {_wait(wait)}." if wait else error.about.sentence


def _wait(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _claim(key: GatewayKey, now: datetime) -> bool:
    """Of two schedulers that saw the key due, one wins."""
    same = Q(tested_at=key.tested_at) if key.tested_at else Q(tested_at=None)
    return GatewayKey.objects.filter(same, pk=key.pk, revoked_at=None).update(tested_at=now) == 1


def _note(key: GatewayKey, outcome: Outcome, now: datetime) -> bool:
    """Keep the result with the key. False: the key was changed meanwhile, so the result is of no key."""
    key.tested_at, key.test_result = now, outcome.sentence[:300]
    key.test_passed = True if outcome.ok else False if outcome.error_kind in _USELESS else None
    same = GatewayKey.objects.filter(
        pk=key.pk, revoked_at=None, rotated_at=key.rotated_at, base_url=key.base_url
    )
    fields = {"tested_at": now, "test_result": key.test_result, "test_passed": key.test_passed}
    return same.update(**fields) == 1


def _write(key: GatewayKey, family: str, models: dict[str, ModelInfo], complete: bool, now: datetime) -> None:
    """A handful of statements however long the list is; only rows that differ are written one by one."""
    rows = ModelEntry.objects.filter(key=key, family=family)
    known = {entry.model_id: entry for entry in rows}
    # In the gateway's order, which the rows' numbers keep.
    new = [_entry(key, family, model, now) for model_id, model in models.items() if model_id not in known]
    ModelEntry.objects.bulk_create(new, batch_size=BATCH, ignore_conflicts=True)
    changed = [entry for model_id, entry in known.items() if model_id in models and _adopt(entry, models)]
    ModelEntry.objects.bulk_update(changed, ["name", "raw", "gone_at"], batch_size=BATCH)
    if complete:
        vanished = [
            entry.pk for entry in known.values() if not entry.gone_at and entry.model_id not in models
        ]
        for part in _parts(vanished):
            rows.filter(pk__in=part).update(gone_at=now)
        rows.filter(gone_at=None).update(last_seen=now)
    else:
        for part in _parts([entry.pk for model_id, entry in known.items() if model_id in models]):
            rows.filter(pk__in=part).update(last_seen=now)


def _entry(key: GatewayKey, family: str, model: ModelInfo, now: datetime) -> ModelEntry:
    return ModelEntry(
        key=key,
        family=family,
        model_id=model.model_id,
        name=model.name[:255],
        raw=dict(model.raw),
        first_seen=now,
        last_seen=now,
    )


def _adopt(entry: ModelEntry, models: dict[str, ModelInfo]) -> bool:
    """Take over what the gateway says now; whether that changes anything."""
    model = models[entry.model_id]
    before = entry.name, entry.raw, entry.gone_at
    entry.name, entry.raw, entry.gone_at = model.name[:255], dict(model.raw), None
    return before != (entry.name, entry.raw, None)


def _parts(pks: list[int]) -> Iterator[list[int]]:
    yield from (pks[at : at + BATCH] for at in range(0, len(pks), BATCH))
