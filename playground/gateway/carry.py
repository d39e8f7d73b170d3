"""From a conversation to the messages of any family, with a list of what cannot go along."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Literal

from playground.gateway.request import (
    FilePart,
    ImagePart,
    Message,
    Part,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from playground.gateway.wire import FAMILIES
from playground.gateway.wire.family import Family

LossKind = Literal["reasoning", "blocks", "file", "arguments", "unanswered_call", "refused"]
NO_RESULT = "No result was given for this call."
MOVED = "Image from your answer above:"
LEFT_BEHIND = "The image of the answer stays behind: no question after it could take it along."


@dataclass(frozen=True, slots=True)
class PastTurn:
    """A turn as it was kept. `native` is replayed only to the family and model in `native_for`.

    `thought` and `refused`: the answer held reasoning, or was refused by the model.
    """

    role: Role
    parts: tuple[Part, ...]
    native: str = ""
    native_for: tuple[str, str] = ("", "")
    thought: bool = False
    refused: bool = False
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of the turn at `place` (from 0) that is not sent, or sent otherwise, and why."""

    kind: LossKind
    place: int
    sentence: str


def carry(
    history: Sequence[PastTurn], family: Family, model: str, labels: dict[str, str]
) -> tuple[tuple[Message, ...], tuple[Loss, ...]]:
    """The messages for `family` and `model`. `labels` names families for the sentences, by key."""
    messages: list[tuple[int, Message]] = []
    losses: list[Loss] = []
    moved: list[tuple[int, ImagePart]] = []
    for place, turn in enumerate(history):
        if turn.refused:
            losses.append(Loss("refused", place, "The refused answer is left out."))
            continue
        if turn.native and turn.native_for == (family.key, model):
            messages.append((place, Message(turn.role, turn.parts, turn.native, turn.cached)))
            continue
        losses += _lost(turn, place, family, labels)
        parts = tuple(part for part in turn.parts if family.takes_files or not isinstance(part, FilePart))
        if turn.role == "assistant" and not family.takes_answer_images:
            moved += [(place, part) for part in parts if isinstance(part, ImagePart)]
            parts = tuple(part for part in parts if not isinstance(part, ImagePart))
        images = tuple(image for _, image in moved) if turn.role != "assistant" else ()
        if images:
            moved = []
        if images and turn.role == "user":
            parts = (TextPart(MOVED), *images, *parts)
        if parts:
            messages.append((place, Message(turn.role, parts, cached=turn.cached)))
        if images and turn.role == "tool":
            # Results come first and alone.
            messages.append((place, Message("user", (TextPart(MOVED), *images))))
    losses += [Loss("blocks", place, LEFT_BEHIND) for place in dict.fromkeys(place for place, _ in moved)]
    answered, unanswered = _with_results(messages)
    return answered, tuple(sorted((*losses, *unanswered), key=lambda loss: loss.place))


def _lost(turn: PastTurn, place: int, family: Family, labels: dict[str, str]) -> Iterator[Loss]:
    if turn.native:
        yield from _native_lost(turn, place, labels)
    if not family.takes_files and any(isinstance(part, FilePart) for part in turn.parts):
        yield Loss("file", place, f"The file stays behind: {family.label} takes images only.")
    if family.wants_argument_objects:
        for part in turn.parts:
            if isinstance(part, ToolCallPart) and not _is_object(part.arguments):
                sentence = f"The arguments of {part.name} are no JSON object and go along as text."
                yield Loss("arguments", place, sentence)


def _native_lost(turn: PastTurn, place: int, labels: dict[str, str]) -> Iterator[Loss]:
    """What only the family and model that made an answer can take back."""
    maker, model = turn.native_for
    name = f"{labels.get(maker, maker)}, {model}"
    if turn.thought:
        yield Loss("reasoning", place, f"The reasoning of the answer stays behind: only {name} can read it.")
    kinds = FAMILIES[maker].unshown(turn.native) if maker in FAMILIES else ()
    if kinds:
        listed = ", ".join(kind.replace("_", " ") for kind in kinds)
        yield Loss("blocks", place, f"Of the answer stays behind what only {name} can take back: {listed}.")


def _is_object(source: str) -> bool:
    try:
        return isinstance(json.loads(source or "{}"), dict)
    except (ValueError, RecursionError):
        return False


def _with_results(messages: list[tuple[int, Message]]) -> tuple[tuple[Message, ...], list[Loss]]:
    """Every call gets a result right after it: the families refuse a history with an open call."""
    out: list[Message] = []
    losses: list[Loss] = []
    missing: tuple[ToolResultPart, ...] = ()
    for at, (place, message) in enumerate(messages):
        if missing and any(isinstance(part, ToolResultPart) for part in message.parts):
            # All results of an answer in one message, where some are there.
            message = replace(message, parts=(*missing, *message.parts))
        elif missing:
            out.append(Message("tool", missing))
        out.append(message)
        given = _results_after(messages, at)
        calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
        missing = tuple(
            ToolResultPart(call.call_id, NO_RESULT, call.name, failed=True)
            for call in calls
            if call.call_id not in given
        )
        losses += [
            Loss("unanswered_call", place, f"The call of {result.name} has no result; the model is told so.")
            for result in missing
        ]
    if missing:
        out.append(Message("tool", missing))
    return tuple(out), losses


def _results_after(messages: list[tuple[int, Message]], at: int) -> set[str]:
    """The calls that got a result between this message and the next answer."""
    following = takewhile(lambda row: row[1].role != "assistant", islice(messages, at + 1, None))
    return {
        part.call_id for _, message in following for part in message.parts if isinstance(part, ToolResultPart)
    }
