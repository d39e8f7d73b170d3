"""The page Compare: one question, several models, their answers side by side."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts import access
from accounts.models import Role
from playground.chat import listing, sharing, turns
from playground.chat import screen as chat_screen
from playground.chat.acts import aimed, turn_of
from playground.chat.forms import MessageForm
from playground.chat.models import Conversation
from playground.compare import export, form, lanes, screen
from playground.ops import catalog

Request = listing.Request


@require_GET
def new(request: Request) -> HttpResponse:
    """The form, `?model=…&family=…&key=…&text=…` filled in, and the comparisons there are."""
    return render(request, "compare/new.html", screen.of_new(request))


@require_GET
def models(request: Request) -> HttpResponse:
    """The models of a key, for the fields that complete them."""
    keys = catalog.usable_keys(request.user, request.team)
    context = {"offered": screen.offered(keys, request.GET.get("key", ""))}
    return render(request, "compare/_models.html", context)


@require_GET
def show(request: Request, pk: UUID) -> HttpResponse:
    return render(request, "compare/show.html", screen.of_conversation(request, _seen(request, pk)))


@require_GET
def thread(request: Request, pk: UUID) -> HttpResponse:
    """The lanes alone."""
    return _turns(request, _seen(request, pk))


@require_GET
def side_by_side(request: Request, pk: UUID) -> HttpResponse:
    """The figures of the last answers, and what can be done about them."""
    return render(request, "compare/_figures.html", screen.of_conversation(request, _seen(request, pk)))


@require_GET
def turn(request: Request, pk: UUID) -> HttpResponse:
    """One answer, as it is now."""
    conversation = _seen(request, turn_of(request, pk).conversation_id)
    context = screen.of_conversation(request, conversation)
    for each in context["rounds"]:
        for cell in each.cells:
            if cell.shown.turn.pk == pk:
                return render(request, "compare/_answer.html", context | {"cell": cell})
    raise Http404


@require_POST
def ask(request: Request, pk: UUID) -> HttpResponse:
    """Ask all lanes. The first question of a new comparison makes it."""
    if not Conversation.objects.filter(pk=pk).exists():
        return _begin(request, pk)
    conversation = _seen(request, pk, need=Role.MEMBER)
    sent = MessageForm(request.POST)
    try:
        if not sent.is_valid():
            raise turns.Refused(sent.complaint)
        said = {"turn_id": sent.cleaned_data["turn_id"] or uuid4(), "text": sent.cleaned_data["text"]}
        lanes.ask(conversation, request.user, **said)
    except turns.Refused as error:
        return _refused(request, conversation, str(error))
    return _done(request, conversation, asked=True)


def _begin(request: Request, pk: UUID) -> HttpResponse:
    access.need(request, Role.MEMBER)
    keys = catalog.usable_keys(request.user, request.team)
    typed = form.read(request.POST, keys)
    try:
        if typed.complaint:
            raise turns.Refused(typed.complaint)
        chosen = typed.settings()
        with transaction.atomic():
            conversation = turns.start(request.user, request.team, id=pk, settings=chosen[0])
            # Of two equal forms at once the first has made it, and its answers are on the way.
            if conversation.comparison is None:
                conversation.comparison = lanes.begun_with(chosen, blind=typed.blind)
                conversation.save(update_fields=["comparison"])
            lanes.ask(conversation, request.user, turn_id=typed.turn_id or uuid4(), text=typed.text)
    except turns.Refused as error:
        context = screen.of_new(request, typed) | {"complaint": str(error), "pk": pk}
        return render(request, "compare/new.html", context, status=422)
    return redirect("compare:show", pk=pk)


@require_POST
def again(request: Request, pk: UUID) -> HttpResponse:
    """Ask one lane again, or without `lane` those whose answer did not come."""
    conversation = _seen(request, pk, need=Role.MEMBER)
    try:
        lanes.again(conversation, request.user, _lane(request))
    except turns.Refused as error:
        return _refused(request, conversation, str(error))
    return _done(request, conversation)


@require_POST
def best(request: Request, pk: UUID) -> HttpResponse:
    """Say which answer is the best; without `lane` none is."""
    conversation = _seen(request, pk, need=Role.MEMBER)
    try:
        lanes.choose(conversation, _lane(request))
    except turns.Refused as error:
        return _refused(request, conversation, str(error))
    if lanes.is_blind(conversation):
        return _revealed(request, conversation)
    return _done(request, conversation)


@require_POST
def reveal(request: Request, pk: UUID) -> HttpResponse:
    """Show the models of a blind comparison."""
    conversation = _seen(request, pk, need=Role.MEMBER)
    lanes.reveal(conversation)
    return _revealed(request, conversation)


def _revealed(request: Request, conversation: Conversation) -> HttpResponse:
    """Every part of the page names models: it is made anew."""
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return redirect("compare:show", pk=conversation.pk)


@require_GET
def diff(request: Request, pk: UUID) -> HttpResponse:
    """Two of the last answers word by word, `?a=` and `?b=` by their numbers."""
    return render(request, "compare/diff.html", screen.of_diff(request, _seen(request, pk)))


@require_POST
def stop(request: Request, pk: UUID) -> HttpResponse:
    """Stop all that is being written here."""
    conversation = _seen(request, pk, need=Role.MEMBER)
    lanes.stop(conversation)
    return HttpResponse(status=204) if request.htmx else redirect("compare:show", pk=pk)


@require_GET
def as_markdown(request: Request, pk: UUID) -> HttpResponse:
    """All of it as a document."""
    conversation = _seen(request, pk)
    text = export.markdown(screen.of_conversation(request, conversation))
    response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="comparison-{pk}.md"'
    return response


@require_POST
def to_chat(request: Request, pk: UUID) -> HttpResponse:
    """Go on with one lane alone, in a chat of one's own."""
    conversation = _seen(request, pk)
    if not chat_screen.may_copy(request, conversation):
        raise PermissionDenied("This needs the role member in the team.")
    number = _lane(request)
    lane = next((lane for lane in lanes.of(conversation) if lane.number == number), None)
    if lane is None or lane.leaf is None:
        raise Http404
    conversation.settings = lane.settings
    settings = chat_screen.settings_for(request, conversation)
    made = sharing.copy(conversation, request.user, settings=settings, upto=lane.leaf)
    return redirect("chat:show", pk=made.pk)


def _seen(request: Request, pk: UUID, *, need: Role = Role.VIEWER) -> Conversation:
    conversation = access.get(Conversation, request, pk, need=need)
    if conversation.comparison is None:
        raise Http404
    return conversation


def _lane(request: Request) -> int | None:
    said = request.POST.get("lane", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 3 else None


def _turns(request: Request, conversation: Conversation, **more: Any) -> HttpResponse:
    context = screen.of_conversation(request, conversation)
    return render(request, "compare/_turns.html", context | more)


def _done(request: Request, conversation: Conversation, *, asked: bool = False) -> HttpResponse:
    if not request.htmx:
        return redirect("compare:show", pk=conversation.pk)
    return _turns(request, Conversation.objects.get(pk=conversation.pk), oob=True, asked=asked)


def _refused(request: Request, conversation: Conversation, complaint: str) -> HttpResponse:
    """What is wrong, at the composer; without script the page as it was typed."""
    if request.htmx:
        response = render(request, "chat/_complaint.html", {"complaint": complaint}, status=422)
        return aimed(response, "#complaint")
    context = screen.of_conversation(request, conversation)
    context |= {"complaint": complaint, "text": request.POST.get("text", context["text"])}
    return render(request, "compare/show.html", context, status=422)
