"""The request before it is sent: shown as it would go out, estimated, and counted where the family counts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings as site
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts import keys, vault
from accounts.models import GatewayKey, Role, Team, User
from playground.chat import listing, prompts, requests, screen, settings_form, spending, unsent
from playground.chat.acts import turn_of
from playground.chat.forms import MessageForm
from playground.chat.settings_form import SettingsForm
from playground.chat.thread import shown_turn
from playground.gateway import snippets
from playground.gateway.errors import GatewayError
from playground.gateway.estimate import estimate
from playground.gateway.request import WireRequest
from playground.gateway.transport import USER_AGENT, join
from playground.gateway.wire.family import Family
from playground.ops import catalog
from playground.storage import StorageError

Request = listing.Request
COUNT_S = 20.0


@dataclass(frozen=True, slots=True)
class Unsent:
    """What the page holds now. `complaint` says why it cannot be sent; then there is no `built`."""

    family: Family
    key: GatewayKey | None
    built: requests.Built | None
    losses: list[str]
    complaint: str
    empty: bool
    team_id: UUID
    other: Other | None = None


@dataclass(frozen=True, slots=True)
class Other:
    """The fallback, as the Request tab tells it; `losses` only where they are not the first model's."""

    model: str
    ask: bool
    losses: list[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """A request for people: the key hidden, the body indented and long base64 told by its length."""

    method: str
    address: str
    headers: list[tuple[str, str]]
    body: str


@require_POST
def preview(request: Request, pk: UUID) -> HttpResponse:
    """The Request tab."""
    held = _held(request, pk, files=True)
    context: dict[str, Any] = {"held": held, "pk": pk}
    if held.built is not None:
        try:
            context["shown"] = shown(held.family.encode(held.built.request), held.key)
            context["estimate"] = estimate(held.built.request)
        except GatewayError as error:
            context["problem"] = error.message
    return render(request, "chat/_request.html", context)


@require_POST
def code(request: Request, pk: UUID) -> HttpResponse:
    """The Code tab: programs that send what the Request tab shows. The key comes from their environment."""
    held = _held(request, pk, files=True)
    context: dict[str, Any] = {"held": held, "pk": pk}
    if held.built is not None:
        try:
            told = snippets.told(held.family.encode(held.built.request))
            base_url = held.key.base_url if held.key else site.GATEWAY_URLS[0]
            context["programs"] = snippets.code(told, base_url)
        except GatewayError as error:
            context["problem"] = error.message
    return render(request, "chat/_code.html", context)


@require_POST
def tokens(request: Request, pk: UUID) -> HttpResponse:
    """The chip of the composer, and beside it what would be lost. Nothing while the settings are wrong."""
    held = _held(request, pk, files=False)
    if held.built is None:
        return HttpResponse(status=204)
    context = {"held": held, "pk": pk, "estimate": estimate(held.built.request), "losses": held.losses}
    context["left"] = spending.left(request.user, held.team_id, held.key)
    return render(request, "chat/_told.html", context)


@require_POST
def count(request: Request, pk: UUID) -> HttpResponse:
    """Ask the gateway how many tokens the request has, for the chip or the Request tab."""
    held = _held(request, pk, files=True)
    counted, problem = _counted(held, request.user)
    context: dict[str, Any] = {"held": held, "pk": pk, "counted": counted, "problem": problem}
    if held.built is not None:
        context["estimate"] = estimate(held.built.request)
    if request.htmx.target != "tokens-told":
        return render(request, "chat/_counted.html", context)
    response = render(request, "chat/_tokens.html", context)
    if problem:
        response.headers["HX-Trigger"] = json.dumps({"toast": {"text": problem, "level": "error"}})
    return response


@require_POST
def cache_turn(request: Request, pk: UUID) -> HttpResponse:
    """Mark the prompt up to this turn for the provider's cache, or take the mark away."""
    turn = turn_of(request, pk, need=Role.MEMBER)
    turn.cached = not turn.cached
    turn.save(update_fields=["cached"])
    if not request.htmx:
        return redirect("chat:show", pk=turn.conversation_id)
    context = {"shown": shown_turn(turn), "turn": turn, "writable": True}
    return render(request, "chat/_asked_actions.html", context)


def _held(request: Request, pk: UUID, *, files: bool) -> Unsent:
    """What the page sent, as the request it would become; the attached files are read only for `files`."""
    conversation = screen.if_made(request, pk)
    team = conversation.team if conversation else request.team
    chosen = SettingsForm(request.POST, screen.stored_settings(request, conversation))
    message = MessageForm(request.POST)
    complaint = chosen.complaint if message.is_valid() else message.complaint
    text, images = message.cleaned_data.get("text", ""), message.cleaned_data.get("images", [])
    empty = not text.strip() and not images
    built, losses, other = None, [], None
    try:
        history = unsent.branch(conversation) if conversation else []
        if not empty:
            origin = prompts.origin_of(request.user, team.pk, message.prompt)
            history += [unsent.said(each) for each in (origin.lead if origin else ())]
            history.append(unsent.question(team.pk, text, images))
        if not complaint:
            history = history if files else requests.without_files(history)
            sent, model = settings_form.sent(chosen.settings), chosen.settings["model"]
            built = requests.assemble(team.pk, history, chosen.family.key, model, sent)
            losses = unsent.told(built.losses)
            if files and (told := sent.get("fallback")):
                again = requests.assemble(team.pk, history, chosen.family.key, told["model"], sent)
                more = unsent.told(again.losses)
                other = Other(told["model"], told["ask"], more if more != losses else [])
        if empty and conversation is not None:
            losses = unsent.losses(conversation, chosen.settings)
    except screen.REFUSALS as error:
        complaint = str(error)
    except StorageError as error:
        complaint = f"An attached file cannot be read. {error}"
    except OSError:
        complaint = "An attached file cannot be read. Remove it and attach it again."
    key = _key(request, chosen, team)
    return Unsent(chosen.family, key, built, losses, complaint, empty, team.pk, other)


def _key(request: Request, chosen: SettingsForm, team: Team) -> GatewayKey | None:
    usable = catalog.usable_keys(request.user, team)
    return next((key for key in usable if str(key.pk) == chosen.settings["key"]), None)


def shown(wire: WireRequest, key: GatewayKey | None) -> Shown:
    """What `wire` puts on the line. The key is not opened for it: its last four characters are told."""
    name, before = snippets.AUTH[wire.auth]
    value = f"{before}••••{key.last4}" if key else f"{before}(no key is chosen)"
    headers = [(name.lower(), value), *wire.headers.items(), ("accept-encoding", "identity")]
    told = snippets.told(wire)
    address = join(key.base_url, told.path) if key else told.path
    return Shown(wire.method, address, [*headers, ("user-agent", USER_AGENT)], told.body)


def _counted(held: Unsent, user: User) -> tuple[int | None, str]:
    """The count the gateway gives, or a sentence why there is none."""
    if held.complaint or held.built is None:
        return None, held.complaint
    if held.family.counting is None:
        return None, f"{held.family.label} has no route that counts tokens."
    if held.key is None:
        return None, "Choose a key first, or add one in Settings."
    if held.empty and not held.built.request.messages:
        return None, "Write a message first: there is nothing to count yet."
    if held.key.base_url not in site.GATEWAY_URLS:
        return None, catalog.NOT_LISTED.format(held.key.base_url)
    asked = {"family": held.family.key, "model": held.built.request.model}
    if refusal := keys.refusal(held.key, user, timezone.now(), **asked):
        return None, refusal
    try:
        wire = held.family.counting.encode(held.built.request)
        secret = vault.open_key(held.key).reveal()
        body = catalog.shared_transport().send(wire, held.key.base_url, secret, timeout_s=COUNT_S)
        return held.family.counting.read(body), ""
    except vault.VaultError as error:
        return None, str(error)
    except GatewayError as error:
        return None, f"Not counted. {error.about.sentence}"
