"""The one stream of a page: runs in flight of its conversation, and the person's feed."""

from __future__ import annotations

import uuid

from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts import access
from accounts.models import User
from playground.chat import relay
from playground.chat.models import Conversation, Run


@require_GET
def live(request: HttpRequest) -> StreamingHttpResponse | HttpResponse:
    """`?conversation=<uuid>` adds a conversation's runs to the person's feed. Never ends by itself."""
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
    body = relay.stream(user.pk, conversation, rows, lambda: _may_watch(session, user.pk, conversation))
    response = StreamingHttpResponse(body, content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-cache, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _may_watch(session: str, user_id: uuid.UUID, conversation: uuid.UUID | None) -> bool:
    """Asked again while the stream is open: signed in still, and still in the team."""
    if not Session.objects.filter(session_key=session, expire_date__gt=timezone.now()).exists():
        return False
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return False
    try:
        if conversation is not None:
            access.check(Conversation, user, conversation)
    except (Http404, PermissionDenied):
        return False
    return True
