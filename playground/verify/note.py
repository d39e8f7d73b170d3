"""The integration note: for each piece of work how it is integrated, made from what is configured here.

AnyInt's Guides ask to keep one per workload: family and route, where model ids come from, sync, stream or
task, the rule for retries and fallback, and the error messages users see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max
from django.utils import timezone

from accounts.models import Team, User
from playground.chat import fallback
from playground.chat.defaults import with_defaults
from playground.gateway import retry
from playground.gateway.errors import KINDS, GatewayError
from playground.gateway.media.operation import Operation
from playground.gateway.request import ChatRequest, Message, TextPart
from playground.gateway.wire import FAMILIES
from playground.library import rights
from playground.media import catalogue, requests
from playground.media.models import MediaTask
from playground.ops import catalog
from playground.templatetags.frame import FAMILIES as LABELS
from playground.verify.models import CheckResult, CheckRun
from playground.verify.setups import FALLBACK

MOST_PROMPTS, MOST_OPERATIONS, MOST_TRIED = 200, 60, 200
# By first choice and fallback: how the check ended, and when.
Tried = dict[tuple[str, str], tuple[str, datetime]]
# Which of the classes of failure a person is told apart (product requirements, F).
TOLD = (
    "invalid_request",
    "auth",
    "permission",
    "quota",
    "rate_limited",
    "upstream_unavailable",
    "interrupted",
)
RETRIES = (
    f"Up to {retry.MOST_RETRIES} more tries, only before the first byte of an answer and only after a "
    "passing fault (408, 409, 429, 5xx, no connection): after the pause that was asked for, else after "
    "growing ones."
)
ONCE = (
    "Sent once, never again by itself: a second try could be charged twice. Queries are repeated safely "
    "until a success with an output, or a failure."
)
NO_FALLBACK = "None."


@dataclass(frozen=True, slots=True)
class Workload:
    """One piece of work. `model` is what is asked now, "" when it is chosen each time."""

    title: str
    family: str
    route: str
    model: str
    way: str
    retries: str
    fallback: str

    @property
    def facts(self) -> list[tuple[str, str]]:
        return [
            ("Family and route", f"{self.family}, {self.route}"),
            ("Model", self.model or "chosen each time from the key's list"),
            ("Source of the model id", source()),
            ("Way", self.way),
            ("Retries", self.retries),
            ("Fallback", self.fallback),
        ]


def source() -> str:
    hours = round(catalog.FRESH_FOR.total_seconds() / 3600)
    return f"The Models API of the key, sent exactly as listed; refreshed every {hours} hours and on request."


def workloads(user: User, team: Team) -> list[Workload]:
    """The chat as it begins, the prompts the person sees, and the studio's routes the team used."""
    tried = _tried(user, team)
    return [_chat(user, team, tried), *_prompts(user, team, tried), *_studio(team)]


def messages() -> list[tuple[str, str]]:
    """What users are told, by class of failure."""
    return [(KINDS[kind].title, KINDS[kind].sentence) for kind in TOLD]


def as_markdown(team: Team, works: Iterable[Workload]) -> str:
    lines = ["# Integration note", "", f"{plain(str(team))}, {timezone.localtime():%-d %B %Y}.", ""]
    for work in works:
        lines += [
            f"## {plain(work.title)}",
            "",
            *(f"- **{name}**: {plain(told)}" for name, told in work.facts),
            "",
        ]
    lines += ["## What users are told", "", *(f"- **{name}**: {told}" for name, told in messages()), ""]
    return "\n".join(lines)


def plain(text: str) -> str:
    """A name that people gave as text of Markdown: on one line, and marks are signs."""
    line = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|" else sign for sign in line)


def _tried(user: User, team: Team) -> Tried:
    """What the check of a fallback found last, of every pair that the person may know of."""
    runs = CheckRun.objects.filter(CheckRun.visible_to(user), team=team)
    rows = CheckResult.objects.filter(run__in=runs, name="fallback", state__in=CheckResult.TOLD)
    told = rows.order_by("-at").values_list("model", "run__chosen", "state", "at")[:MOST_TRIED]
    found: Tried = {}
    for model, chosen, state, at in told:
        if at is not None:
            found.setdefault((model, chosen.get(FALLBACK, "")), (state, at))
    return found


def _chat(user: User, team: Team, tried: Tried) -> Workload:
    settings = with_defaults({}, catalog.usable_keys(user, team))
    return _of_settings("Chat, as a new one begins", settings, tried)


def _prompts(user: User, team: Team, tried: Tried) -> list[Workload]:
    rows = rights.visible(team, user).filter(kind="chat", archived_at=None, head__isnull=False)
    found = rows.select_related("head").order_by("title")[:MOST_PROMPTS]
    return [
        _of_settings(
            f"Prompt “{prompt.title}” ({prompt.slug})", (prompt.head.body or {}).get("settings") or {}, tried
        )
        for prompt in found
        if prompt.head is not None
    ]


def _of_settings(title: str, settings: Mapping[str, Any], tried: Tried) -> Workload:
    family = str(settings.get("family") or "openai_chat")
    family = family if family in FAMILIES else "openai_chat"
    model, stream = str(settings.get("model") or ""), bool(settings.get("stream", True))
    schema = (settings.get("schema") or {}).get("on")
    told = settings.get("fallback") or {}
    other = NO_FALLBACK
    if told.get("on") and told.get("model"):
        other = f"{told['model']}, after a passing fault of the first only; {fallback.words(told)}."
        other += _proved(family, tried.get((model, told["model"])))
    way = "Streamed; the answer counts once the stream has ended." if stream else "In one piece."
    way += " Checked against its schema before it counts." if schema else ""
    return Workload(title, FAMILIES[family].label, _route(family, model, stream), model, way, RETRIES, other)


def _proved(family: str, found: tuple[str, datetime] | None) -> str:
    """Whether the pair was tried with the same requests; Verify does that over the chat route."""
    if family != "openai_chat":
        return " The pair is not tried by Verify."
    if found is None:
        return " The pair was never tried with the same requests: Verify does that."
    day = f"{timezone.localtime(found[1]):%-d %b %Y}"
    if found[0] == CheckResult.State.PASSED:
        return f" Tried with the same requests on {day}: both did the same."
    return f" Tried with the same requests on {day}: it failed, see Verify."


def _route(family: str, model: str, stream: bool) -> str:
    asked = ChatRequest(model or "MODEL", (Message("user", (TextPart("…"),)),), stream=stream)
    wire = FAMILIES[family].encode(asked)
    return f"{wire.method} {wire.path}"


def _studio(team: Team) -> list[Workload]:
    used = MediaTask.objects.filter(team=team).order_by().values("operation").annotate(at=Max("created_at"))
    keys = [row["operation"] for row in used.order_by("-at")[:MOST_OPERATIONS]]
    found = []
    for key in keys:
        operation = catalogue.find(key)
        last = MediaTask.objects.filter(team=team, operation=key).order_by("-created_at").first()
        if operation is not None and last is not None:
            found.append(_of_operation(operation, last))
    return found


def _of_operation(operation: Operation, last: MediaTask) -> Workload:
    tasks = operation.query is not None
    way = (
        f"A task: created, then asked for after {operation.pace.first_s:g} s and ever more rarely, up to "
        f"{operation.pace.ceiling_s:g} s apart; files are kept here."
        if tasks
        else "In one piece, made by the worker; files are kept here."
    )
    label = LABELS.get(operation.family, operation.family)
    other = "None: a second route would be another charge; people decide."
    model = last.model if operation.model_field else "none is sent: the route decides"
    return Workload(f"Studio: {operation.label}", label, _path(operation, last), model, way, ONCE, other)


def _path(operation: Operation, last: MediaTask) -> str:
    """The address a form of this route goes to; some have the model in it."""
    try:
        wire = operation.create(requests.trial(last, operation))
    except GatewayError:
        return "as its form says"
    return f"{wire.method} {wire.path}"
