"""From a queued run to what is asked of the gateway: the branch above it, as messages."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from playground.chat import turns
from playground.chat.models import Attachment, Run, Turn
from playground.gateway.request import ChatRequest, ImagePart, Message, Part, TextPart

GO_ON = (
    "Continue your last message exactly where it stops. Do not repeat anything of it, "
    "do not comment on this request, and keep its format."
)


def build(run: Run) -> ChatRequest:
    """The request for a run; reads the branch and the attached files."""
    children = turns.siblings(run.conversation_id)
    path = turns.path_through(children, run.asked_id)
    rows = Turn.objects.in_bulk(path)
    branch = [rows[pk] for pk in path]
    files = _files(run.team_id, branch)
    messages = [_message(turn, files) for turn in branch]
    if run.params.get("continues") and run.answer is not None:
        so_far = "".join(part["text"] for part in run.answer.parts if part.get("kind") == "text")
        messages += [Message("assistant", (TextPart(so_far),)), Message("user", (TextPart(GO_ON),))]
    return ChatRequest(
        model=run.model,
        messages=tuple(message for message in messages if message.parts),
        system=run.params.get("system", ""),
        params=run.params.get("params", {}),
        stream=run.params.get("stream", True),
    )


def _message(turn: Turn, files: dict[str, Attachment]) -> Message:
    parts = (_part(part, files) for part in turn.parts)
    return Message(
        "user" if turn.role == Turn.Role.USER else "assistant", tuple(p for p in parts if p is not None)
    )


def _part(part: dict[str, Any], files: dict[str, Attachment]) -> Part | None:
    """Thinking and refusals are shown, never sent back; a file that is gone is left out."""
    if part.get("kind") == "text" and part["text"]:
        return TextPart(part["text"])
    if part.get("kind") == "image" and part.get("url"):
        return ImagePart(url=part["url"])
    file = files.get(part.get("attachment", ""))
    if file is None:
        return None
    with file.file.open("rb") as handle:
        return ImagePart(media_type=file.media_type, data_b64=base64.b64encode(handle.read()).decode())


def _files(team_id: uuid.UUID, branch: list[Turn]) -> dict[str, Attachment]:
    ids = {part["attachment"] for turn in branch for part in turn.parts if part.get("attachment")}
    if not ids:
        return {}
    return {str(row.pk): row for row in Attachment.objects.filter(team_id=team_id, pk__in=ids)}
