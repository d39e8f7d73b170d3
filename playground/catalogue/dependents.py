"""What would miss a model if it went: prompts, chats, and keys that are checked with it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from accounts.models import GatewayKey, Team, User
from playground.chat.models import Conversation
from playground.library.models import Label, Prompt
from playground.verify.models import Setup

MOST_PROMPTS, MOST_CHATS, CHATS_READ = 50, 8, 500


@dataclass(frozen=True, slots=True)
class Dependent:
    """`how` says in what place it names the model."""

    title: str
    url: str
    how: str


@dataclass(frozen=True, slots=True)
class Dependents:
    """`chats` of the person's newest ones begin with the model; `read` is how many those were."""

    prompts: list[Dependent]
    checks: list[Dependent]
    chats: list[Dependent]
    chats_more: int
    read: int
    more: bool

    @property
    def any(self) -> bool:
        return bool(self.prompts or self.checks or self.chats)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each kind name a model; chats are counted among the newest."""

    prompts: int = 0
    checks: int = 0
    chats: int = 0


def of(team: Team, user: User, keys: Collection[GatewayKey], model: str) -> Dependents:
    """Five queries. Only what the person may see is told."""
    prompts = _prompts(team, user, model)
    chats, read = _chats(team, user, model)
    return Dependents(
        prompts=prompts[:MOST_PROMPTS],
        checks=_checks(keys, model),
        chats=chats[:MOST_CHATS],
        chats_more=max(0, len(chats) - MOST_CHATS),
        read=read,
        more=len(prompts) > MOST_PROMPTS,
    )


def counts(
    team: Team, user: User, keys: Collection[GatewayKey], models: Collection[str]
) -> dict[str, Counts]:
    """How many depend on each; three queries, however many models there are."""
    setups = [set(chosen.values()) for chosen in _setups(keys).values_list("chosen", flat=True)]
    chats = [{own, other if on else None} for _, _, own, other, on in _newest_chats(team, user)]
    prompts = _prompt_counts(team, user, list(models))
    return {
        model: Counts(
            prompts[model],
            sum(model in chosen for chosen in setups),
            sum(model in named for named in chats),
        )
        for model in models
    }


def _prompt_counts(team: Team, user: User, models: list[str]) -> dict[str, int]:
    seen = Prompt.objects.filter(Prompt.visible_to(user), team=team, archived_at=None)
    named = {
        f"named_{place}": Count(
            "pk",
            distinct=True,
            filter=_names("head__", model)
            | Q(pk__in=Label.objects.filter(_names("version__", model), prompt__team=team).values("prompt")),
        )
        for place, model in enumerate(models)
    }
    told = seen.order_by().aggregate(**named) if named else {}
    return {model: told[f"named_{place}"] for place, model in enumerate(models)}


def _names(before: str, model: str) -> Q:
    """A body that names the model, as its own or as the fallback that is switched on."""
    own = Q(**{f"{before}body__settings__model": model}) | Q(**{f"{before}body__model": model})
    other = {f"{before}body__settings__fallback__model": model, f"{before}body__settings__fallback__on": True}
    return own | Q(**other)


def _prompts(team: Team, user: User, model: str) -> list[Dependent]:
    seen = Prompt.objects.filter(Prompt.visible_to(user), team=team, archived_at=None)
    heads = seen.filter(_names("head__", model)).order_by("title", "pk")
    found: dict[Any, Dependent] = {}
    for prompt in heads.select_related("head")[: MOST_PROMPTS + 1]:
        found[prompt.pk] = _prompt(prompt, "newest version", prompt.head.body if prompt.head else {}, model)
    labelled = Label.objects.filter(_names("version__", model), prompt__in=seen.values("pk"))
    for label in labelled.select_related("prompt", "version").order_by("prompt__title")[: MOST_PROMPTS + 1]:
        if label.prompt_id not in found:
            found[label.prompt_id] = _prompt(label.prompt, label.name, label.version.body, model)
    return sorted(found.values(), key=lambda each: each.title.lower())


def _prompt(prompt: Prompt, where: str, body: dict[str, Any], model: str) -> Dependent:
    settings = body.get("settings") or {}
    own = model in (body.get("model"), settings.get("model"))
    how = "its model" if own else "its fallback"
    return Dependent(prompt.title, reverse("library:prompt", args=[prompt.pk]), f"{how}, in the {where}")


def _chats(team: Team, user: User, model: str) -> tuple[list[Dependent], int]:
    """Chats that would go on with the model, among the newest the person may see."""
    told = _newest_chats(team, user)
    chats = []
    for pk, title, own, other, on in told:
        if own == model or (other == model and on):
            how = "its model" if own == model else "its fallback"
            chats.append(Dependent(title or "New chat", reverse("chat:show", args=[pk]), how))
    return chats, len(told)


def _newest_chats(team: Team, user: User) -> list[tuple[Any, str, Any, Any, Any]]:
    """Id, title, model, fallback and whether that is on."""
    rows = Conversation.objects.filter(Conversation.visible_to(user), team=team, archived_at=None)
    newest = rows.order_by("-updated_at").values_list(
        "pk", "title", "settings__model", "settings__fallback__model", "settings__fallback__on"
    )
    return list(newest[:CHATS_READ])


def _setups(keys: Collection[GatewayKey]) -> QuerySet[Setup]:
    return Setup.objects.filter(key__in=[key.pk for key in keys])


def _checks(keys: Collection[GatewayKey], model: str) -> list[Dependent]:
    """Keys that the person knows of, and that are checked with the model."""
    found = []
    for setup in _setups(keys).select_related("key"):
        if model in setup.chosen.values():
            how = "checked with it every week" if setup.weekly else "checked with it when asked"
            found.append(Dependent(setup.key.label, f"{reverse('verify:index')}?key={setup.key_id}", how))
    return found
