"""Which models a key is checked with: what was chosen for it, else what its list suggests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from accounts.models import GatewayKey, User
from playground.gateway.transport import Transport
from playground.gateway.wire import FAMILIES
from playground.ops import catalog
from playground.ops.models import ModelEntry
from playground.verify.models import Setup

WEEK = timedelta(days=7)
MOST_LISTED = 3000
FALLBACK = "fallback"
# Few models of the chat list think; those of the native families do when they are told to.
THINKING = "thinking.openai_chat"
_THINKS = re.compile(r"(?i)reason|think|(^|[/-])(o[1-9]|r[1-9]|gpt-5)([.-]|$)")
LIST_S = 10.0


def of(key: GatewayKey) -> Setup:
    """The kept setup of a key, or one that is not kept yet."""
    return Setup.objects.filter(key=key).first() or Setup(key=key, team_id=key.team_id)


def chosen(key: GatewayKey, setup: Setup | None = None) -> dict[str, str]:
    """A model for each family as far as the key's lists have one, and a fallback beside the first. A family
    for which none is known has no entry.
    """
    told = dict((setup or of(key)).chosen)
    listed = _listed(key)
    found: dict[str, str] = {}
    for family in FAMILIES:
        entries = listed.get(catalog.list_of(family), [])
        found[family] = told.get(family) or catalog.choose_model(entries)
    first = listed.get(catalog.list_of("openai_chat"), [])
    others = [entry for entry in first if entry.model_id != found["openai_chat"]]
    found[FALLBACK] = told.get(FALLBACK) or (catalog.choose_model(others) if others else "")
    found[THINKING] = told.get(THINKING) or thinker(first)
    return told | {name: model for name, model in found.items() if model}


def thinker(entries: Iterable[ModelEntry]) -> str:
    """An id that says that its model thinks; "" for none."""
    return catalog.choose_model(entry for entry in entries if _THINKS.search(entry.model_id))


def with_listed(key: GatewayKey, told: Mapping[str, str], now: datetime) -> tuple[dict[str, str], str]:
    """The same, with suggestions where nothing is told ("" tells: no model), and why there are none if the
    key's list did not come. A list that nobody ever had is asked for.
    """
    why = ""
    if not ModelEntry.objects.filter(key=key).exists():
        transport = Transport()
        try:
            outcome = catalog.refresh(key, transport, now, timeout_s=LIST_S)
        finally:
            transport.close()
        why = "" if outcome.ok else outcome.sentence
    return chosen(key) | dict(told), why


def keep(key: GatewayKey, user: User, told: Mapping[str, str], *, weekly: bool, now: datetime) -> Setup:
    """Write how a key is checked; the first weekly check is due in a week."""
    setup = of(key)
    setup.chosen = {name: model for name, model in told.items() if model}
    if weekly and not setup.weekly:
        setup.next_at, setup.user = now + WEEK, user
    if not weekly:
        setup.next_at = None
    setup.weekly = weekly
    setup.save()
    return setup


def _listed(key: GatewayKey) -> dict[str, list[ModelEntry]]:
    rows = ModelEntry.objects.filter(key=key, gone_at=None).order_by("pk")[: 2 * MOST_LISTED]
    found: dict[str, list[ModelEntry]] = {}
    for entry in rows:
        found.setdefault(entry.family, []).append(entry)
    return found
