"""The conversation list: pinned ones, then by day, or what a search found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from accounts import access
from playground.chat.models import Conversation, Run
from playground.chat.search import search

PAGE = 60
MOST = 600


class Request(access.Request):
    """What a view of the chat receives."""

    htmx: HtmxDetails


@dataclass(frozen=True, slots=True)
class Group:
    """A heading of the list and its conversations."""

    label: str
    rows: Sequence[Conversation]


def context(request: Request, words: str = "", current: UUID | None = None) -> dict[str, Any]:
    current = current or uuid_or_none(request.GET.get("current"))
    if words:
        hits = search(request.user, request.team, words)
        return {"words": words, "hits": hits, "current": current}
    wanted = _page_size(request.GET.get("show"))
    live = Run.objects.filter(conversation=OuterRef("pk"), status__in=Run.LIVE)
    chats = access.visible(Conversation, request).filter(archived_at=None, comparison__isnull=True)
    rows = chats.annotate(live=Exists(live))
    pinned = list(rows.filter(pinned_at__isnull=False).order_by("-pinned_at")[:MOST])
    recent = list(rows.filter(pinned_at=None).select_related("owner").order_by("-updated_at")[: wanted + 1])
    groups = ([Group("Pinned", pinned)] if pinned else []) + by_day(recent[:wanted], timezone.now())
    more = wanted + PAGE if len(recent) > wanted and wanted < MOST else None
    return {"groups": groups, "more": more, "current": current, "words": ""}


def _page_size(text: str | None) -> int:
    return min(int(text), MOST) if text and text.isdigit() and len(text) < 5 else PAGE


def by_day(rows: Iterable[Conversation], now: datetime) -> list[Group]:
    """Rows, newest first, under the day they were last used on."""
    today = timezone.localtime(now).date()
    days = groupby(rows, lambda row: _day(timezone.localtime(row.updated_at).date(), today))
    return [Group(label, list(of_day)) for label, of_day in days]


def _day(day: date, today: date) -> str:
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return "Last 7 days"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"


def uuid_or_none(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
