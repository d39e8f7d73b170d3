"""What the acts on a turn share: the turn one may have, and the branch that comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from accounts import access
from accounts.models import Role
from playground.chat import listing, screen, turns
from playground.chat.models import Conversation, Turn
from playground.chat.settings_form import Settings, SettingsForm
from playground.chat.thread import Thread, thread

Request = listing.Request
Refuse = Callable[[str, SettingsForm | None], HttpResponse]


def turn_of(request: Request, pk: UUID, *, need: Role = Role.VIEWER) -> Turn:
    """A turn of a conversation the person may have."""
    found = Turn.objects.select_related("parent").filter(pk=pk).first()
    if found is None:
        raise Http404
    found.conversation = access.get(Conversation, request, found.conversation_id, need=need)
    return found


def act(
    request: Request, about: Turn, do: Callable[[Settings], Any], *, last: int, refuse: Refuse
) -> HttpResponse:
    """Do something to a turn with the settings of the moment; the answer is the end of the branch."""
    conversation = about.conversation
    chosen = SettingsForm(request.POST, conversation.settings) if "model" in request.POST else None
    try:
        if chosen is not None and not chosen.is_valid():
            raise turns.Refused(chosen.complaint)
        do(chosen.settings if chosen is not None else conversation.settings)
    except turns.Refused as error:
        return refuse(str(error), chosen)
    if not request.htmx:
        return redirect("chat:show", pk=conversation.pk)
    conversation = Conversation.objects.get(pk=conversation.pk)
    context = branch_context(request, conversation, thread(conversation, last=last))
    return render(request, "chat/_turns.html", context)


def branch_context(request: Request, conversation: Conversation, shown: Thread) -> dict[str, Any]:
    """What the template of a branch's end needs."""
    return {
        "conversation": conversation,
        "thread": shown,
        "after": shown.turns[0].turn.parent_id if shown.turns else None,
        "writable": screen.may_write(request, conversation),
    }


def aimed(response: HttpResponse, target: str, swap: str = "outerHTML") -> HttpResponse:
    response.headers["HX-Retarget"] = target
    response.headers["HX-Reswap"] = swap
    return response
