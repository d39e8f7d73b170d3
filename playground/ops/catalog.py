"""Which models each key can see: refreshed from the Models API, kept as rows, offered to the picker."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import keys, vault
from accounts.models import GatewayKey, Team, User
from playground.gateway import catalog as models_api
from playground.gateway.catalog import ModelInfo
from playground.gateway.errors import GatewayError
from playground.gateway.request import WireRequest
from playground.gateway.transport import Transport
from playground.gateway.wire import FAMILIES
from playground.ops import listed
from playground.ops.listed import Fetched
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
        lists = _lists(send, most_pages)
    except vault.VaultError as error:
        return _failed(key, Outcome(False, 0, "vault", str(error), ""), now)
    except GatewayError as error:
        return _failed(
            key, Outcome(False, 0, error.kind, _sentence(error), error.request_id), now, asked=True
        )
    outcome = _counted([told for told in lists.values() if isinstance(told, Fetched)])
    with transaction.atomic():
        if _note(key, outcome, now):
            for family, told in lists.items():
                _keep(key, family, told, now)
    return outcome


def list_of(family: str) -> str:
    """The family whose list of models serves the family; its own when it is not known."""
    return FAMILIES[family].models if family in FAMILIES else family


def _lists(send: Callable[[WireRequest], bytes], most_pages: int) -> Mapping[str, Fetched | GatewayError]:
    """The lists the gateway has. The first decides about the key; another one may be closed to it, or away
    for now, and then what is known of it stays.
    """
    first, *others = dict.fromkeys(family.models for family in FAMILIES.values())
    lists: dict[str, Fetched | GatewayError] = {first: _fetch(send, first, most_pages)}
    for family in others:
        try:
            lists[family] = _fetch(send, family, most_pages)
        except GatewayError as error:
            lists[family] = error
    return lists


def _keep(key: GatewayKey, family: str, told: Fetched | GatewayError, now: datetime) -> None:
    if isinstance(told, Fetched):
        listed.keep(key, family, told, now)
    else:
        listed.failed(key, family, told.kind, _sentence(told), told.request_id, now)


def _failed(key: GatewayKey, outcome: Outcome, now: datetime, *, asked: bool = False) -> Outcome:
    """The first list did not come, or was not even asked for."""
    with transaction.atomic():
        if _note(key, outcome, now) and asked:
            first = next(iter(FAMILIES.values())).models
            listed.failed(key, first, outcome.error_kind, outcome.sentence, outcome.request_id, now)
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
    """The keys the person may choose in the team: their own, then the team's, then the demo's.

    Keys that were refused when they were last tried come after all others.
    """
    return sorted(
        keys.usable(user, team, timezone.now()).select_related("owner"),
        key=lambda key: (
            key.test_passed is False,
            key.is_demo,
            key.shared,
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


def _fetch(send: Callable[[WireRequest], bytes], family: str, most_pages: int) -> Fetched:
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
            return Fetched(models, complete=True)
    return Fetched(models, complete=False)


def _counted(lists: Iterable[Fetched]) -> Outcome:
    lists = list(lists)
    count = len({model_id for told in lists for model_id in told.models})
    complete = all(told.complete for told in lists)
    words = f"{count:,} model" if count == 1 else f"{count:,} models"
    if not complete:
        return Outcome(True, count, "", f"{words} so far; the rest is being fetched.", "", complete=False)
    return Outcome(True, count, "", f"{words}." if count else "The gateway shows this key no model.", "")


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
