"""All that is known of one model, for its page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings as site
from django.db.models import Q
from django.urls import reverse

from accounts import keys as use
from accounts.models import GatewayKey, User
from playground.catalogue.labels import Labels
from playground.catalogue.listing import LISTS
from playground.chat.models import Run
from playground.gateway import snippets
from playground.gateway.errors import GatewayError
from playground.gateway.media.registry import OPERATIONS
from playground.gateway.request import ChatRequest, Message, TextPart
from playground.gateway.wire import FAMILIES
from playground.gateway.wire.family import Family
from playground.media.models import MediaTask
from playground.media.screen import tab_of
from playground.ops.measured import CAPABILITIES, Capability
from playground.ops.models import Measured, ModelChange, ModelEntry
from playground.verify.models import CheckRun

MOST_CHANGES = 20
LIST_WORDS = {"openai_chat": "OpenAI list", "anthropic": "Anthropic list"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One list of one key that shows the model, or did. `refusal`: why the person may not use it there."""

    entry: ModelEntry
    key: GatewayKey
    list_words: str
    families: list[Family]
    refusal: str


@dataclass(frozen=True, slots=True)
class Sight:
    """The last time it worked, or failed. `url` is "" where the person may not look, or nothing is left."""

    at: datetime
    source: str
    url: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One capability in one family; both None: unknown."""

    capability: Capability
    family: str
    works: Sight | None = None
    fails: Sight | None = None

    @property
    def standing(self) -> str:
        if self.works and (not self.fails or self.works.at >= self.fails.at):
            return "works"
        return "fails" if self.fails else "unknown"


def shown(keys: Sequence[GatewayKey], user: User, model: str, now: datetime) -> list[Shown]:
    """By key and list; one query, and one for each key that may be used."""
    return shown_each(keys, [model], lambda key, model: use.refusal(key, user, now, model=model))[model]


def shown_each(
    keys: Sequence[GatewayKey], models: Collection[str], refusal: Callable[[GatewayKey, str], str]
) -> dict[str, list[Shown]]:
    """The same of each model; one query, and what `refusal` asks once of a key for a model."""
    by_pk = {key.pk: key for key in keys}
    rows = ModelEntry.objects.filter(model_id__in=models, key__in=list(by_pk)).order_by("key", "family")
    order = {key.pk: place for place, key in enumerate(keys)}
    entries = sorted(rows, key=lambda entry: (entry.gone_at is not None, order[entry.key_id], entry.family))
    pairs = {(entry.key_id, entry.model_id) for entry in entries}
    refusals = {pair: refusal(by_pk[pair[0]], pair[1]) for pair in pairs}
    found: dict[str, list[Shown]] = {model: [] for model in models}
    for entry in entries:
        row = Shown(
            entry=entry,
            key=by_pk[entry.key_id],
            list_words=LIST_WORDS.get(entry.family, entry.family),
            families=[family for family in FAMILIES.values() if family.models == entry.family],
            refusal=refusals[entry.key_id, entry.model_id],
        )
        found[entry.model_id].append(row)
    return found


def measured(seen: Q, user: User, model: str) -> list[Line]:
    """Every capability of the table, each in the families it was seen in; four queries."""
    return measured_each(seen, user, [model])[model]


def measured_each(seen: Q, user: User, models: Collection[str]) -> dict[str, list[Line]]:
    """The same of each model, in as many queries."""
    rows: dict[str, list[Measured]] = {model: [] for model in models}
    for row in Measured.objects.filter(seen, model__in=models):
        rows[row.model].append(row)
    urls = _Urls([row for told in rows.values() for row in told], user)
    return {model: _lines(told, urls) for model, told in rows.items()}


def _lines(rows: Iterable[Measured], urls: _Urls) -> list[Line]:
    lines: dict[tuple[str, str], Line] = {}
    for row in rows:
        about = CAPABILITIES.get(row.capability)
        if about is not None:
            known = lines.get((about.key, row.family), Line(about, row.family))
            works = urls.sight(row.works_at, row, row.works_in)
            fails = urls.sight(row.fails_at, row, row.fails_in, row.fails_why)
            later = Line(about, row.family, _later(known.works, works), _later(known.fails, fails))
            lines[about.key, row.family] = later
    order = list(CAPABILITIES)
    there = {capability for capability, _ in lines}
    unknown = [Line(CAPABILITIES[key], "") for key in order if key not in there]
    return sorted(
        [*lines.values(), *unknown], key=lambda line: (order.index(line.capability.key), line.family)
    )


def _later(one: Sight | None, other: Sight | None) -> Sight | None:
    """The later of two; of the same moment the one that can be looked at."""
    told = [sight for sight in (one, other) if sight]
    return max(told, key=lambda sight: (sight.at, bool(sight.url)), default=None)


class _Urls:
    """Where the runs, tasks and checks of some rows are looked at, as far as the person may."""

    def __init__(self, rows: Iterable[Measured], user: User) -> None:
        ids: dict[str, set[uuid.UUID]] = {"run": set(), "task": set(), "check": set()}
        for row in rows:
            ids[row.source] |= {pk for pk in (row.works_in, row.fails_in) if pk}
        teams = {row.team_id for row in rows}
        self._found: dict[uuid.UUID, str] = {}
        runs = Run.objects.filter(Run.visible_to(user), team__in=teams, pk__in=ids["run"])
        for pk, talk, answer in runs.values_list("pk", "conversation_id", "answer_id") if ids["run"] else ():
            self._found[pk] = reverse("chat:show", args=[talk]) + (f"#turn-{answer}" if answer else "")
        tasks = MediaTask.objects.filter(team__in=teams, pk__in=ids["task"])
        for pk in tasks.values_list("pk", flat=True) if ids["task"] else ():
            self._found[pk] = reverse("media:task", args=[pk])
        checks = CheckRun.objects.filter(CheckRun.visible_to(user), team__in=teams, pk__in=ids["check"])
        for pk in checks.values_list("pk", flat=True) if ids["check"] else ():
            self._found[pk] = reverse("verify:run", args=[pk])

    def sight(
        self, at: datetime | None, row: Measured, subject: uuid.UUID | None, why: str = ""
    ) -> Sight | None:
        if at is None:
            return None
        return Sight(at, row.source, self._found.get(subject, "") if subject else "", why)


def changes(keys: Collection[GatewayKey], model: str) -> list[ModelChange]:
    rows = ModelChange.objects.filter(model_id=model, key__in=[key.pk for key in keys])
    return list(rows.select_related("key").order_by("-at", "-pk")[:MOST_CHANGES])


def families_for(said: Labels, lines: Iterable[Line], rows: Iterable[Shown]) -> list[Family]:
    """The chat families to try the model in, the likeliest first: what the team says, where it was seen to
    work, and those whose list shows it.
    """
    worked = [line.family for line in lines if line.standing == "works" and line.capability.key == "chat"]
    listed = [family.key for row in rows if not row.entry.gone_at for family in row.families]
    known = dict.fromkeys([*said.families, *worked, *listed])
    found = [FAMILIES[key] for key in known if key in FAMILIES]
    return found or [FAMILIES[LISTS[0]]]


def families_used(families: Iterable[Family], said: Labels, lines: Iterable[Line]) -> list[str]:
    """Keys of every family it is, or was, asked in: those to chat in and those of media routes."""
    seen = [line.family for line in lines if line.family]
    return list(dict.fromkeys([*(family.key for family in families), *said.families, *seen]))


def programs(family: Family, model: str, key: GatewayKey | None) -> list[tuple[str, str]]:
    """Programs that ask the model one short question in the family; the key comes from ANYINT_API_KEY."""
    params = {spec.name: spec.default for spec in family.params if spec.required and spec.default is not None}
    question = Message("user", (TextPart("Say hello in one short sentence."),))
    request = ChatRequest(model=model, messages=(question,), params=params, stream=False)
    try:
        told = snippets.told(family.encode(request))
    except GatewayError:
        return []
    return snippets.code(told, key.base_url if key else site.GATEWAY_URLS[0])


def routes(model: str) -> list[tuple[str, str]]:
    """Routes of the studio that the documentation names for exactly this id: label and address."""
    return [
        (
            f"{operation.label} ({operation.medium})",
            f"{reverse('media:studio', args=[tab_of(operation.medium)])}?operation={operation.key}",
        )
        for operation in OPERATIONS.values()
        if model in operation.models
    ]


def told_by_gateway(rows: Iterable[Shown]) -> dict[str, Any]:
    """What a list said of it last, as it came."""
    newest = max(rows, key=lambda row: row.entry.last_seen, default=None)
    return dict(newest.entry.raw) if newest else {}


def exists(rows: Sequence[Shown], said: Labels, lines: Iterable[Line]) -> bool:
    """Whether there is anything of the model for this person: a list, a label, or something measured."""
    return bool(rows) or bool(said.pairs()) or any(line.standing != "unknown" for line in lines)
