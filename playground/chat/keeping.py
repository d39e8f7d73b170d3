"""The start of a conversation as the body of a prompt."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from accounts.models import User
from playground.chat import prompts, tree
from playground.chat.models import Conversation, Draft, Run, Turn
from playground.gateway.assembly import storable
from playground.library import fill, keeping, variables
from playground.library.kinds import Body
from playground.library.models import PromptVersion

ROLES = {Turn.Role.USER: "user", Turn.Role.ASSISTANT: "assistant"}
Messages = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Start:
    """What a prompt would be made of. `version` is what the conversation was asked with, if the person sees
    it; its words for the variables stand in the messages, where nobody changed them.
    """

    title: str
    messages: Messages
    settings: dict[str, Any]
    version: PromptVersion | None = None
    declared: list[dict[str, Any]] = field(default_factory=list)


def of_draft(draft: Draft | None) -> Start:
    """What stands in the composer of a new chat."""
    if draft is None:
        return Start("", [{"role": "user", "text": ""}], {})
    messages = [{"role": "user", "text": variables.escape(draft.text)}]
    settings = prompts.begins_with(draft.settings)
    settings["system"] = variables.escape(str(settings.get("system") or ""))
    return Start("", messages, settings)


def start_of(conversation: Conversation, user: User, upto: uuid.UUID | None = None) -> Start:
    """The messages of the shown branch as far as the turn, without it as far as the first question."""
    path = tree.path_through(tree.siblings(conversation.pk), conversation.leaf_id)
    rows = Turn.objects.in_bulk(path)
    said = [rows[pk] for pk in path if rows[pk].role in ROLES]
    runs = Run.objects.filter(conversation=conversation, prompt_version__isnull=False)
    asked = {run.asked_id: run for run in runs.select_related("prompt_version__prompt__head")}
    kept = said[: _end(said, upto, set(asked))]
    run = next((asked[turn.pk] for turn in reversed(kept) if turn.pk in asked), None)
    version = keeping.seen(run.prompt_version, user) if run is not None else None
    told = (
        fill.filled(version, run.variables or {}, user) if run is not None and version is not None else None
    )
    body = told.body if isinstance(told, fill.Filled) else {}
    words = _words(run, version, body, kept) if run is not None and version is not None else {}
    messages = [
        {"role": ROLES[Turn.Role(turn.role)], "text": words.get(turn.pk, variables.escape(turn.text))}
        for turn in kept
    ]
    settings = prompts.begins_with(conversation.settings)
    settings["system"] = _system(str(settings.get("system") or ""), version, body)
    title = version.prompt.title if version else conversation.title
    return Start(title, messages, settings, version, version.body.get("variables") or [] if version else [])


def _end(said: list[Turn], upto: uuid.UUID | None, asked: set[uuid.UUID]) -> int:
    """How many messages are kept: as far as `upto`, else the first question, with a prompt if any was."""
    wanted = {upto} if upto else asked or {turn.pk for turn in said if turn.role == Turn.Role.USER}
    return next((at + 1 for at, turn in enumerate(said) if turn.pk in wanted), 0)


def _words(run: Run, version: PromptVersion, filled: Body, kept: list[Turn]) -> dict[uuid.UUID, str]:
    """The texts of the version, placeholders and all, for those turns that say what it says when filled."""
    at = next(at for at, turn in enumerate(kept) if turn.pk == run.asked_id)
    meant, told = version.body.get("messages") or [], filled.get("messages") or []
    turns = kept[max(0, at + 1 - len(told)) : at + 1]
    pairs = zip(turns, meant, told, strict=False) if len(turns) == len(told) else ()
    return {turn.pk: str(row["text"]) for turn, row, full in pairs if turn.text == full.get("text")}


def _system(system: str, version: PromptVersion | None, filled: Body) -> str:
    """The system prompt with its placeholders, if it is the version's; else as it is."""
    told = (filled.get("settings") or {}).get("system")
    if version is not None and system and told == system:
        return str(version.body["settings"]["system"])
    return variables.escape(system)


def typed(data: QueryDict) -> Messages:
    """The messages as they stand in the form; one that was emptied is left out."""
    pairs = zip(data.getlist("m-role"), data.getlist("m-text"), strict=False)
    rows = [(role, storable(text.replace("\r\n", "\n"))) for role, text in pairs]
    return [{"role": role, "text": text} for role, text in rows if text.strip()]


def body_of(start: Start, messages: Messages) -> Body:
    """The body with the variables that were declared before and are still there."""
    body: Body = {"messages": messages, "settings": start.settings, "variables": []}
    named = set(variables.find(body))
    body["variables"] = [row for row in start.declared if isinstance(row, dict) and row.get("name") in named]
    return body
