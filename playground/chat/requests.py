"""From a queued run, or one that could be, to what is asked of the gateway: the branch above it."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from playground.chat import tree
from playground.chat.models import Attachment, Run, Turn
from playground.gateway.carry import PastTurn, carry
from playground.gateway.request import (
    Caching,
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    OutputSchema,
    Part,
    Role,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from playground.gateway.wire import FAMILIES

GO_ON = (
    "Continue your last message exactly where it stops. Do not repeat anything of it, "
    "do not comment on this request, and keep its format."
)
ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "tool": "tool"}
# Stands in kept native content for the bytes of a picture that is kept as a file.
MARK = "attachment:"


@dataclass(frozen=True, slots=True)
class Built:
    """A request, and sentences about what of the conversation it does not hold."""

    request: ChatRequest
    losses: tuple[str, ...]


def build(run: Run) -> Built:
    """The request for a run; reads the branch and the attached files."""
    children = tree.siblings(run.conversation_id)
    path = tree.path_through(children, run.asked_id)
    rows = Turn.objects.select_related("run").in_bulk(path)
    history = [rows[pk] for pk in path]
    more: list[Message] = []
    if run.params.get("continues") and run.answer is not None:
        more = _continued(run, run.answer)
    return assemble(run.team_id, history, run.family, run.answered_by, run.params, more)


def assemble(
    team_id: uuid.UUID,
    history: list[Turn],
    family: str,
    model: str,
    sent: Mapping[str, Any],
    more: list[Message] | None = None,
) -> Built:
    """The request that asks `model` about the turns; `sent` is what `settings_form.sent` gives."""
    files = _Files(team_id, history)
    past = [_past(turn, files) for turn in history]
    labels = {key: each.label for key, each in FAMILIES.items()}
    messages, losses = carry(past, FAMILIES[family], model, labels)
    schema, caching = sent.get("schema"), sent.get("caching") or {}
    request = ChatRequest(
        model=model,
        messages=(*messages, *(more or [])),
        system=sent.get("system", ""),
        params=sent.get("params", {}),
        tools=tuple(Tool(**tool) for tool in sent.get("tools", ())),
        tool_choice=sent.get("tool_choice"),
        schema=OutputSchema(**schema) if schema else None,
        caching=Caching(
            bool(caching.get("system")),
            bool(caching.get("tools")),
            "1h" if caching.get("ttl") == "1h" else "5m",
        ),
        extra=sent.get("extra", {}),
        stream=sent.get("stream", True),
    )
    return Built(request, tuple(loss.sentence for loss in losses))


def without_files(history: Iterable[Turn]) -> list[Turn]:
    """The turns with a mark for every attached file, so that none is read: losses and estimates need none."""
    out = []
    for turn in history:
        turn.parts = [
            part | {"attachment": "", "url": "attached"} if part.get("attachment") else part
            for part in turn.parts
        ]
        if isinstance(turn.native, str):
            turn.native = turn.native.replace(MARK, "")
        out.append(turn)
    return out


def _continued(run: Run, answer: Turn) -> list[Message]:
    """What goes after the history when an answer is to go on: the provider takes up its own pause itself,
    a cut text is asked for.
    """
    if native := run.params.get("paused"):
        return [Message("assistant", (), native=native)]
    so_far = "".join(part["text"] for part in answer.parts if part.get("kind") == "text")
    return [Message("assistant", (TextPart(so_far),)), Message("user", (TextPart(GO_ON),))]


def _past(turn: Turn, files: _Files) -> PastTurn:
    run = getattr(turn, "run", None)
    family, _, model = turn.native_for.partition(" ")
    return PastTurn(
        role="assistant"
        if turn.role == Turn.Role.ASSISTANT
        else "tool"
        if turn.role == Turn.Role.TOOL
        else "user",
        parts=tuple(part for row in turn.parts if (part := _part(row, files)) is not None),
        native=files.restored(turn.native) if isinstance(turn.native, str) else "",
        native_for=(family, model),
        thought=any(row.get("kind") == "thinking" for row in turn.parts),
        refused=run is not None and run.reason == "refused",
        cached=turn.cached,
    )


def _part(row: dict[str, Any], files: _Files) -> Part | None:
    """Thinking and refusals are shown, never sent back as parts; a file that is gone is left out."""
    kind = row.get("kind")
    if kind == "text" and row["text"]:
        return TextPart(row["text"])
    if kind == "tool_call":
        return ToolCallPart(row.get("call_id", ""), row.get("name", ""), row["text"])
    if kind == "tool_result":
        return ToolResultPart(row["call_id"], row["text"], row.get("name", ""), bool(row.get("failed")))
    if kind == "file":
        return FilePart(row["url"], row.get("media_type", ""))
    if kind == "image" and row.get("url"):
        return ImagePart(url=row["url"])
    return files.image(row.get("attachment", ""))


class _Files:
    """The attachments of some turns, each read once."""

    def __init__(self, team_id: uuid.UUID, history: list[Turn]) -> None:
        ids = {part["attachment"] for turn in history for part in turn.parts if part.get("attachment")}
        found = Attachment.objects.filter(team_id=team_id, pk__in=ids) if ids else ()
        self._rows = {str(row.pk): row for row in found}
        self._read: dict[str, ImagePart] = {}

    def image(self, pk: str) -> ImagePart | None:
        row = self._rows.get(pk)
        if row is None:
            return None
        if pk not in self._read:
            with row.file.open("rb") as handle:
                data = base64.b64encode(handle.read()).decode()
            self._read[pk] = ImagePart(media_type=row.media_type, data_b64=data)
        return self._read[pk]

    def restored(self, native: str) -> str:
        """Native content with the pictures back in their places; "" when one is gone."""
        if MARK not in native:
            return native
        for pk in self._rows:
            if (mark := f'"{MARK}{pk}"') in native and (image := self.image(pk)) is not None:
                native = native.replace(mark, f'"{image.data_b64}"')
        return "" if f'"{MARK}' in native else native
