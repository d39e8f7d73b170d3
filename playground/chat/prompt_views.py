"""Library prompts in the chat: choosing one, its form, and keeping a conversation's start as one."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts import access
from accounts.models import Role, Team
from playground.chat import attachments, keeping, listing, prompts, screen
from playground.chat.defaults import with_defaults
from playground.chat.models import Conversation, Draft
from playground.chat.settings_form import EMPTY
from playground.gateway.assembly import storable
from playground.library import fill, rights, values_form
from playground.library import keeping as library_keeping
from playground.library import listing as shelf
from playground.library.kinds import CHAT
from playground.library.models import Level, PromptVersion
from playground.ops import catalog

Request = listing.Request
OFFERED = 30
LONGEST_WORDS = 200


@require_GET
def choose(request: Request) -> HttpResponse:
    """Prompts with the words `q`, for the chat `conversation`; without script a page of its own."""
    pk = listing.uuid_or_none(request.GET.get("conversation"))
    team = _team(request, pk)
    words = request.GET.get("q", "").strip()[:LONGEST_WORDS]
    found = shelf.suggest(team, request.user, words, kind=CHAT, limit=OFFERED)
    context = {"prompts": found, "words": words, "conversation_id": pk, "team": team}
    return render(request, "chat/_prompts.html" if request.htmx else "chat/prompts.html", context)


def _team(request: Request, pk: UUID | None) -> Team:
    conversation = screen.if_made(request, pk) if pk else None
    access.need(request, Role.MEMBER)
    return conversation.team if conversation else request.team


@require_http_methods(["GET", "POST"])
def prompt(request: Request, pk: UUID) -> HttpResponse:
    """A version with a form for its variables. POST puts it into the composer of the chat `conversation`,
    between the texts `before` and `after`; without one it begins a chat.
    """
    version = access.get(PromptVersion, request, pk)
    rights.need(request.user, version.prompt, Level.RUN)
    if version.prompt.kind != CHAT:
        raise Http404
    if request.method == "GET":
        return _asked(request, version, {}, {})
    variables = fill.variables_of(version, request.user)
    values, errors = _with_files(request, version, values_form.read(variables, request.POST))
    found = prompts.opened(version, values, request.user) if not errors else fill.Errors(errors)
    if isinstance(found, fill.Errors):
        return _asked(request, version, values, found.by_name, status=422)
    into = listing.uuid_or_none(request.POST.get("conversation"))
    if into is None:
        begun = _begun(request, found)
        return _go(request, reverse("chat:show", args=[begun.pk]))
    return _go(request, _inserted(request, found, into))


def _with_files(
    request: Request, version: PromptVersion, values: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Pictures that came with the form itself are stored; what is refused is said at its field."""
    values, errors = dict(values), {}
    for row in values_form.rows(fill.variables_of(version, request.user), values):
        given = request.FILES.get(row.file_name) if row.variable.type == "image" else None
        if given is not None:
            try:
                stored = attachments.store(given, request.user, version.prompt.team)
                values[row.variable.name] = f"{prompts.ATTACHED}{stored.pk}"
            except attachments.Refused as error:
                errors[row.variable.name] = str(error)
    return values, errors


def _asked(
    request: Request,
    version: PromptVersion,
    values: dict[str, Any],
    errors: dict[str, str],
    *,
    status: int = 200,
) -> HttpResponse:
    variables = fill.variables_of(version, request.user)
    told = request.POST if request.method == "POST" else request.GET
    context = {
        "version": version,
        "prompt": version.prompt,
        "rows": values_form.rows(variables, values, errors),
        "general": values_form.unplaced(variables, errors),
        "settings_told": _settings_told(version),
        "with_settings": request.method == "GET" or "settings" in request.POST,
        "conversation_id": listing.uuid_or_none(told.get("conversation")),
        "new_id": listing.uuid_or_none(told.get("new")) or uuid4(),
        "before": told.get("before", ""),
        "after": told.get("after", ""),
    }
    response = render(
        request, "chat/_prompt.html" if request.htmx else "chat/prompt.html", context, status=status
    )
    if request.htmx and status == 422:
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#prompt-form", "outerHTML"
    return response


def _settings_told(version: PromptVersion) -> list[str]:
    """What of the settings a version brings along, in words."""
    told: dict[str, Any] = version.body.get("settings") or {}
    tools, schema = told.get("tools") or {}, told.get("schema") or {}
    count = len(tools.get("list") or []) if tools.get("on") else 0
    params = sum(bool(row.get("on")) for row in (told.get("params") or {}).values())
    words = [
        str(told.get("model") or ""),
        "the system prompt" if told.get("system") else "",
        f"{params} parameter{'' if params == 1 else 's'}" if params else "",
        f"{count} tool{'' if count == 1 else 's'}" if count else "",
        "a schema" if schema.get("on") else "",
    ]
    return [word for word in words if word]


def _begun(request: Request, found: prompts.Opened) -> Conversation:
    team = found.version.prompt.team
    keys = catalog.usable_keys(request.user, team)
    settings = with_defaults(prompts.settings_with(EMPTY, found.settings), keys)
    pk = listing.uuid_or_none(request.POST.get("new")) or uuid4()
    return prompts.begun(request.user, found, settings, pk)


def _inserted(request: Request, found: prompts.Opened, pk: UUID) -> str:
    """The address of the page whose composer holds it now."""
    conversation = screen.if_made(request, pk)
    if (conversation.team_id if conversation else request.team.pk) != found.version.prompt.team_id:
        raise Http404
    draft = Draft.objects.filter(user=request.user, conversation=conversation).first()
    text = "".join(
        (
            storable(request.POST.get("before", "").replace("\r\n", "\n")),
            found.question.text,
            storable(request.POST.get("after", "").replace("\r\n", "\n")),
        )
    )
    images = [*(draft.images if draft else []), *found.question.images]
    prompts.keep_in_draft(request.user, conversation, found, text, images)
    if "settings" in request.POST and found.settings:
        current = screen.stored_settings(request, conversation) or screen.last_used(request)
        new = prompts.settings_with(current, found.settings)
        if conversation is None:
            Draft.objects.filter(user=request.user, conversation=None).update(settings=new)
        else:
            Conversation.objects.filter(pk=conversation.pk).update(settings=new)
    return reverse("chat:show", args=[pk]) if conversation else reverse("chat:new")


def _go(request: Request, place: str) -> HttpResponse:
    if not request.htmx:
        return redirect(place)
    return HttpResponse(status=204, headers={"HX-Redirect": place})


@require_http_methods(["GET", "POST"])
def keep(request: Request, pk: UUID) -> HttpResponse:
    """The start of a conversation, as far as the turn `turn`, as a prompt; of a chat that is not made yet
    what stands in its composer.
    """
    conversation = screen.if_made(request, pk)
    team = conversation.team if conversation else request.team
    upto = listing.uuid_or_none((request.POST if request.method == "POST" else request.GET).get("turn"))
    if conversation is None:
        start = keeping.of_draft(Draft.objects.filter(user=request.user, conversation=None).first())
    else:
        start = keeping.start_of(conversation, request.user, upto)
    behind = library_keeping.behind(start.version, request.user)
    if request.method == "GET":
        form = library_keeping.KeepForm(title=start.title, team=team, behind=behind)
        return _keep_form(request, pk, form, start.messages, upto)
    form = library_keeping.KeepForm(request.POST, title=start.title, team=team, behind=behind)
    messages = keeping.typed(request.POST)
    saved = library_keeping.keep(form, team, request.user, CHAT, keeping.body_of(start, messages))
    if saved is None:
        return _keep_form(request, pk, form, messages, upto, status=422)
    place = reverse("library:prompt", args=[saved.prompt_id])
    if not request.htmx:
        return redirect(place)
    text = f"Saved as “{saved.prompt}”, version {saved.number}."
    toast = {"toast": {"text": text, "level": "success", "url": place}}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(toast)})


def _keep_form(
    request: Request,
    pk: UUID,
    form: library_keeping.KeepForm,
    messages: list[dict[str, str]],
    upto: UUID | None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {"form": form, "rows": messages, "pk": pk, "upto": upto}
    name = "chat/_keep.html" if request.htmx else "chat/keep.html"
    response = render(request, name, context, status=status)
    if request.htmx:
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#asking", "innerHTML"
    return response
