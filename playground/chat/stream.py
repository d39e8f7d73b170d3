"""The one stream of a page, whatever the page is about: what changed for the person and their team, and the
runs in flight of a conversation.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.views.decorators.http import require_GET

from accounts import access
from accounts.models import Membership, Role, User
from playground.chat import relay
from playground.chat.models import Conversation, Run
from playground.chat.runner import Watcher


@require_GET
def live(request: HttpRequest) -> StreamingHttpResponse | HttpResponse:
    """`?conversation=<uuid>` adds a conversation's runs to what the person and the team in use are told.
    Never ends by itself.
    """
    access.need(request, Role.VIEWER)
    team = request.team.pk  # type: ignore[attr-defined] # declared on access.Request
    user = request.user
    assert isinstance(user, User)
    conversation: uuid.UUID | None = None
    if wanted := request.GET.get("conversation"):
        try:
            conversation = uuid.UUID(wanted)
        except ValueError:
            return HttpResponseBadRequest("conversation must be an id")
        access.get(Conversation, request, conversation)
    runs = (
        Run.objects.filter(conversation_id=conversation, status__in=Run.LIVE)
        if conversation
        else Run.objects.none()
    )
    rows = [(pk, turn) for pk, turn in runs.values_list("pk", "answer_id") if turn is not None]
    session = request.session.session_key or ""
    body = relay.stream(Watcher(session, user.pk, team, conversation), rows, refused)
    response = StreamingHttpResponse(body, content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-cache, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def refused(watchers: set[Watcher], now: datetime) -> set[Watcher]:
    """Those who may no longer watch: signed out, switched off, out of a team, or no longer shared with.

    Four queries, however many there are: this is asked of every open page every few seconds.
    """
    sessions = Session.objects.filter(session_key__in={w.session for w in watchers}, expire_date__gt=now)
    users = User.objects.filter(pk__in={w.user for w in watchers}, is_active=True)
    talks = Conversation.objects.in_bulk({w.conversation for w in watchers if w.conversation})
    teams = {talk.team_id for talk in talks.values()} | {w.team for w in watchers}
    members = Membership.objects.filter(user__in=users, team__in=teams)
    signed_in = set(sessions.values_list("session_key", flat=True))
    active = set(users.values_list("pk", flat=True))
    in_team = set(members.values_list("user_id", "team_id"))

    def may(watcher: Watcher) -> bool:
        if watcher.session not in signed_in or watcher.user not in active:
            return False
        if (watcher.user, watcher.team) not in in_team:
            return False
        if watcher.conversation is None:
            return True
        talk = talks.get(watcher.conversation)
        return talk is not None and (watcher.user, talk.team_id) in in_team and talk.seen_by(watcher.user)

    return {watcher for watcher in watchers if not may(watcher)}
