"""The chat page and what is done to its turns. A fragment for htmx, a page or a redirect without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from accounts.models import Role
from playground.chat import drafts, followups, listing, prompts, screen, sources, turns
from playground.chat.acts import act, aimed, branch_context, turn_of
from playground.chat.forms import MessageForm
from playground.chat.models import Conversation, Run, Turn
from playground.chat.settings_form import Settings, SettingsForm
from playground.chat.thread import shown_turn
from playground.chat.thread import thread as thread_of
from playground.gateway import snippets

Request = listing.Request


@require_GET
def new(request: Request) -> HttpResponse:
    """An empty chat; its id is made up here and the first question creates it."""
    return render(request, "chat/page.html", screen.of_new_chat(request, uuid4()))


@require_GET
def show(request: Request, pk: UUID) -> HttpResponse:
    conversation = access.get(Conversation, request, pk)
    if conversation.comparison is not None:
        return redirect("compare:show", pk=pk)
    before, turn = (listing.uuid_or_none(request.GET.get(name)) for name in ("before", "turn"))
    shown = thread_of(conversation, before=before, holding=turn)
    return render(request, "chat/page.html", screen.of_conversation(request, conversation, shown))


@require_GET
def thread(request: Request, pk: UUID) -> HttpResponse:
    """The end of the shown branch, or with `before` the turns above that one."""
    conversation = access.get(Conversation, request, pk)
    before = listing.uuid_or_none(request.GET.get("before"))
    shown = thread_of(conversation, before=before)
    template = "chat/_earlier.html" if before else "chat/_turns.html"
    return render(request, template, branch_context(request, conversation, shown))


@require_POST
def ask(request: Request, pk: UUID) -> HttpResponse:
    """Ask at the end of the branch. The first question of a new chat makes the conversation."""
    fresh = not Conversation.objects.filter(pk=pk).exists()
    if fresh:
        access.need(request, Role.MEMBER)
        conversation = Conversation(pk=pk, team=request.team, owner=request.user)
    else:
        conversation = access.get(Conversation, request, pk, need=Role.MEMBER)
    form = MessageForm(request.POST)
    chosen = SettingsForm(request.POST, screen.stored_settings(request, None if fresh else conversation))
    if complaint := form.complaint if not form.is_valid() else chosen.complaint:
        return _refused(request, conversation, complaint, chosen, fresh=fresh)
    try:
        sent = screen.with_files(request, conversation, form)
        origin = prompts.origin_of(request.user, conversation.team_id, form.prompt)
        with transaction.atomic():
            if fresh:
                conversation = turns.start(request.user, request.team, id=pk, settings=chosen.settings)
            turns.ask(conversation, request.user, **sent, settings=chosen.settings, origin=origin)
            drafts.drop(request.user, None if fresh else conversation)
    except screen.REFUSALS as error:
        return _refused(request, conversation, str(error), chosen, fresh=fresh)
    if not request.htmx:
        return _to(conversation)
    last = 2 + (len(origin.lead) if origin else 0)
    context = branch_context(request, conversation, thread_of(conversation, last=last))
    response = render(request, "chat/_asked.html", context | {"turn_id": uuid4(), "fresh": fresh})
    if fresh:
        response.headers["HX-Push-Url"] = reverse("chat:show", args=[pk])
    return response


@require_GET
def turn(request: Request, pk: UUID) -> HttpResponse:
    return render(request, "chat/_turn.html", _one(request, turn_of(request, pk)))


@require_GET
def source(request: Request, pk: UUID) -> HttpResponse:
    """The Markdown source of a turn and what it rests on, for the clipboard."""
    found = turn_of(request, pk)
    texts = [text for text in (found.text, sources.markdown(found.parts)) if text]
    return HttpResponse("\n\n".join(texts), content_type="text/plain; charset=utf-8")


@require_GET
def details(request: Request, pk: UUID) -> HttpResponse:
    found = shown_turn(turn_of(request, pk))
    native, _ = snippets.laid_out(str(found.turn.native or "").encode("utf-8", "replace"))
    return render(
        request, "chat/_details.html", {"shown": found, "native": native, **screen.run_of(request, found)}
    )


@require_POST
def regenerate(request: Request, pk: UUID) -> HttpResponse:
    answer = turn_of(request, pk, need=Role.MEMBER)
    return _act(
        request, answer, lambda chosen: turns.regenerate(answer, request.user, settings=chosen), last=1
    )


@require_POST
def go_on(request: Request, pk: UUID) -> HttpResponse:
    answer = turn_of(request, pk, need=Role.MEMBER)
    return _act(request, answer, lambda chosen: turns.go_on(answer, request.user, settings=chosen), last=1)


@require_POST
def fall_back(request: Request, pk: UUID) -> HttpResponse:
    """Ask the fallback, after its model failed."""
    answer = turn_of(request, pk, need=Role.MEMBER)
    return _act(
        request, answer, lambda chosen: followups.fall_back(answer, request.user, settings=chosen), last=1
    )


@require_http_methods(["GET", "POST"])
def edit(request: Request, pk: UUID) -> HttpResponse:
    """GET: the turn as a form. POST: keep the changed text as a branch of its own."""
    found = turn_of(request, pk, need=Role.MEMBER)
    if request.method == "GET":
        context = {"turn": found, "turn_id": uuid4(), "conversation": found.conversation}
        return render(request, "chat/_edit.html" if request.htmx else "chat/edit.html", context)
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _refused_edit(request, found, form.complaint, form)
    return _act(
        request, found, lambda _: turns.edit(found, request.user, text=form.cleaned_data["text"]), form=form
    )


@require_POST
def rerun(request: Request, pk: UUID) -> HttpResponse:
    asked = turn_of(request, pk, need=Role.MEMBER)
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _refused_edit(request, asked, form.complaint, form)
    sent = {name: form.cleaned_data[name] for name in ("text", "images")}
    turn_id = form.cleaned_data["turn_id"] or uuid4()
    return _act(
        request,
        asked,
        lambda chosen: turns.rerun(asked, request.user, turn_id=turn_id, settings=chosen, **sent),
        last=2,
        form=form,
    )


@require_POST
def branch(request: Request, pk: UUID) -> HttpResponse:
    found = turn_of(request, pk, need=Role.MEMBER)
    return _act(request, found, lambda _: turns.show(found))


@require_POST
def stop(request: Request, pk: UUID) -> HttpResponse:
    run = access.get(Run, request, pk)
    conversation = access.get(Conversation, request, run.conversation_id, need=Role.MEMBER)
    turns.stop(run, timezone.now())
    return HttpResponse(status=204) if request.htmx else _to(conversation)


def _act(
    request: Request,
    about: Turn,
    do: Callable[[Settings], Any],
    *,
    last: int = 40,
    form: MessageForm | None = None,
) -> HttpResponse:
    """Do something to a turn; what is refused is said at the edited text, else at the composer."""

    def refuse(complaint: str, chosen: SettingsForm | None) -> HttpResponse:
        if form is not None:
            return _refused_edit(request, about, complaint, form)
        return _refused(request, about.conversation, complaint, chosen)

    return act(request, about, do, last=last, refuse=refuse)


def _one(request: Request, found: Turn) -> dict[str, Any]:
    writable = screen.may_write(request, found.conversation)
    return {"shown": shown_turn(found), "conversation": found.conversation, "writable": writable}


def _refused(
    request: Request,
    conversation: Conversation,
    complaint: str,
    chosen: SettingsForm | None,
    *,
    fresh: bool = False,
) -> HttpResponse:
    """What is wrong, at the composer and at the fields; without script the page as it was typed."""
    if request.htmx:
        context = {"complaint": complaint, "errors": chosen.errors if chosen else {}, "chosen": chosen}
        response = render(request, "chat/_refused.html", context, status=422)
        return aimed(response, "#complaint")
    shown = None if fresh else thread_of(conversation)
    context = screen.as_typed(request, conversation, shown, complaint, chosen)
    return render(request, "chat/page.html", context, status=422)


def _refused_edit(request: Request, about: Turn, complaint: str, form: MessageForm) -> HttpResponse:
    context = {
        "turn": about,
        "turn_id": form.data.get("turn_id") or uuid4(),
        "conversation": about.conversation,
        "complaint": complaint,
        "typed": form.data.get("text", ""),
    }
    if not request.htmx:
        return render(request, "chat/edit.html", context, status=422)
    response = render(request, "chat/_edit.html", context, status=422)
    return aimed(response, f"#edit-{about.pk}")


def _to(conversation: Conversation) -> HttpResponse:
    return redirect("chat:show", pk=conversation.pk)
