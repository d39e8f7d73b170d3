"""About how many tokens a request has, for families that have no route to count them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from playground.gateway.request import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

IMAGE_TOKENS = 1000
MESSAGE_TOKENS = 4
METHOD = (
    "Estimated from the length of the text: a token for every 4 letters (for every 2 in scripts such as "
    f"Cyrillic or Arabic), for every Chinese, Japanese or Korean character, {IMAGE_TOKENS} for an image or "
    f"a file, {MESSAGE_TOKENS} for a message; tools and schema count as their JSON."
)
# Kana, ideographs with their punctuation, Hangul, full-width forms.
_EAST_ASIAN = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """`method` is a sentence to show beside the figure."""

    tokens: int
    method: str


def estimate(request: ChatRequest) -> Estimate:
    """By the text that is sent, whatever the family; native content is measured by its parts."""
    texts = list(_texts(request))
    images = sum(
        isinstance(part, (ImagePart, FilePart)) for message in request.messages for part in message.parts
    )
    messages = len(request.messages) + bool(request.system)
    return Estimate(
        sum(map(tokens_of, texts)) + IMAGE_TOKENS * images + MESSAGE_TOKENS * messages,
        METHOD,
    )


def tokens_of(text: str) -> int:
    """Other letters by their bytes: 4 Latin ones have 4, 2 Cyrillic ones as many."""
    wide = 0 if text.isascii() else len(_EAST_ASIAN.findall(text))
    rest = _EAST_ASIAN.sub("", text) if wide else text
    return wide + -(-len(rest.encode("utf-8", "replace")) // 4)


def _texts(request: ChatRequest) -> Iterator[str]:
    yield request.system
    for message in request.messages:
        yield from _said(message)
    for tool in request.tools:
        yield tool.name + tool.description + _json(tool.parameters)
    if request.schema is not None:
        yield _json(request.schema.schema)


def _said(message: Message) -> Iterator[str]:
    for part in message.parts:
        yield _text(part)
    if not message.parts:
        # An answer that is taken up where it paused has nothing else.
        yield message.native


def _text(part: Part) -> str:
    match part:
        case TextPart():
            return part.text
        case ToolCallPart():
            return part.name + part.arguments
        case ToolResultPart():
            return part.content
        case _:
            return ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
