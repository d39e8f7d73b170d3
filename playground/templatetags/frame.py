"""Template tags of the frame: the rail and its entries, icons, badges, figures and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from django import template
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

NOT_TOLD = "not told"
# A filter gets "" for a variable that is not there.
Missing = Literal[""] | None
FAMILIES = {
    "openai_chat": "OpenAI chat",
    "openai_responses": "Responses",
    "anthropic": "Anthropic",
    "gemini": "Gemini",
    "dashscope": "DashScope",
    "kling": "Kling",
    "suno": "Suno",
    "openai": "OpenAI",
}
STATUSES = {
    "queued": ("clock", "Waiting"),
    "running": ("loader", "Running"),
    "finished": ("circle-check", "Done"),
    "failed": ("circle-alert", "Failed"),
    "stopped": ("circle-stop", "Stopped"),
    "interrupted": ("zap", "Interrupted"),
    "ok": ("circle-check", "Works"),
    "warn": ("triangle-alert", "Look here"),
    "off": ("circle-dashed", "Off"),
}
THEMES = ("system", "light", "dark")


@dataclass(frozen=True, slots=True)
class Entry:
    """A place of the product: one line in the rail, the phone bar and the palette."""

    label: str
    icon: str
    url_name: str
    under: str
    """Addresses that begin so belong to the place."""
    key: str

    @property
    def url(self) -> str:
        return reverse(self.url_name)


# So many stand in the bar of a phone; the rest are in the sheet at its end.
MOST_ON_PHONES = 5
# A new screen adds its line here; nothing leads to a page that is not there.
ENTRIES = (
    Entry("Chat", "message-square", "chat:new", "/chat/", "g c"),
    Entry("Compare", "scale", "compare:new", "/compare/", "g k"),
    Entry("Prompts", "book-open", "library:list", "/prompts/", "g p"),
    Entry("Studio", "sparkles", "media:home", "/studio/", "g m"),
    Entry("Tasks", "list", "media:tasks", "/studio/tasks/", "g t"),
    Entry("History", "history", "history:list", "/history/", "g h"),
    Entry("Models", "boxes", "catalogue:models", "/models/", "g o"),
    Entry("Verify", "shield-check", "verify:index", "/verify/", "g v"),
    Entry("Usage", "chart-column", "usage:page", "/usage/", "g u"),
    Entry("Settings", "settings", "settings", "/settings/", "g s"),
)


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """A decorative icon from the sprite; the words beside it, or an aria-label, carry the meaning."""
    return _drawn(static("vendor/icons.svg"), name, size)


@lru_cache(maxsize=1000)
def _drawn(sprite: str, name: str, size: str) -> SafeString:
    """A page has a hundred of them, of a few kinds."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        f" {size}" if size else "",
        sprite,
        name,
    )


@register.simple_tag
def family_badge(family: str) -> SafeString:
    label = FAMILIES.get(family, family)
    return format_html('<span class="badge family" data-family="{}">{}</span>', family, label)


@register.simple_tag
def status(name: str, word: str = "") -> SafeString:
    """A state as icon and word; an unknown name shows itself."""
    picture, usual = STATUSES.get(name, ("circle", name))
    return format_html(
        '<span class="status" data-status="{}">{}<span>{}</span></span>', name, icon(picture), word or usual
    )


@register.filter
def duration(ms: float | Missing) -> str:
    """Milliseconds as people say them: 820 ms, 1.24 s, 12.4 s, 2 min 05 s, 1 h 02 min."""
    if ms is None or ms == "":
        return NOT_TOLD
    ms = max(0.0, float(ms))
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 9_995:
        return f"{ms / 1000:.2f} s"
    if ms < 59_950:
        return f"{ms / 1000:.1f} s"
    seconds = round(ms / 1000)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


@register.filter
def filesize_short(size: float | Missing) -> str:
    """Bytes in decimal units, as disks and browsers count: 3.1 MB."""
    if size is None or size == "":
        return NOT_TOLD
    value = max(0.0, float(size))
    for unit, step in (("B", 1.0), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        shown = value / step
        if shown < 999.5 or unit == "GB":
            break
    return f"{shown:.1f} {unit}" if unit != "B" and shown < 99.95 else f"{shown:.0f} {unit}"


@register.filter
def tokens(count: int | Missing) -> str:
    """A count with thousands parted; unknown is said, never shown as 0."""
    if count is None or count == "":
        return NOT_TOLD
    return f"{int(count):,}"


@register.simple_tag
def ago(when: datetime | None, now: datetime | None = None) -> SafeString | str:
    """A time in relative words with the absolute one in reach; the page keeps the words fresh."""
    if when is None:
        return "never"
    local = timezone.localtime(when)
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        when.isoformat(),
        f"{local:%-d %b %Y, %H:%M:%S} {local.tzname()}",
        _relative(local, timezone.localtime(now)),
    )


def _relative(when: datetime, now: datetime) -> str:
    # static/js/frame/main.js says the same words in the same steps.
    seconds = (now - when).total_seconds()
    if seconds < 45:
        return "just now"
    if seconds < 3570:
        return f"{max(1, round(seconds / 60))} min ago"
    if seconds < 23.5 * 3600:
        return f"{round(seconds / 3600)} h ago"
    days = max(1, round(seconds / 86400))
    if days < 7:
        return "yesterday" if days == 1 else f"{days} days ago"
    return f"{when:%-d %b}" if when.year == now.year else f"{when:%-d %b %Y}"


@register.simple_tag(takes_context=True)
def theme(context: dict[str, Any]) -> str:
    """The theme to render: the person's, or (signed out) the one this browser last showed."""
    request = context.get("request")
    if request is None:
        return "system"
    user = getattr(request, "user", None)
    chosen = getattr(user, "theme", None) or request.COOKIES.get("theme", "system")
    return chosen if chosen in THEMES else "system"


@register.simple_tag(takes_context=True)
def rail_state(context: dict[str, Any]) -> str:
    """`slim` when the rail was folded to icons; a cookie, so that the server draws it right at once."""
    return "slim" if context["request"].COOKIES.get("rail") == "slim" else "wide"


def _entries(request: HttpRequest) -> list[dict[str, Any]]:
    # Of places within each other the innermost is the one.
    holds = [entry for entry in ENTRIES if request.path.startswith(entry.under)]
    here = max(holds, key=lambda entry: len(entry.under), default=None)
    return [
        {"entry": entry, "here": entry is here, "rest": place >= MOST_ON_PHONES}
        for place, entry in enumerate(ENTRIES)
    ]


@register.inclusion_tag("_rail.html", takes_context=True)
def rail(context: dict[str, Any]) -> dict[str, Any]:
    request: HttpRequest = context["request"]
    team = getattr(request, "team", None)
    teams = list(request.user.teams.order_by("name")) if request.user.is_authenticated else []
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "entries": _entries(request),
        "team": team,
        "teams": teams if len(teams) > 1 else [],
        "user": request.user,
        "theme": theme(context),
        "streams": context.get("streams", False),
    }


@register.inclusion_tag("_palette.html", takes_context=True)
def palette(context: dict[str, Any]) -> dict[str, Any]:
    return {"entries": _entries(context["request"])}


@register.inclusion_tag("_shortcuts.html", takes_context=True)
def shortcuts(context: dict[str, Any]) -> dict[str, Any]:
    return {"entries": _entries(context["request"])}
