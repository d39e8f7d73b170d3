"""What a person asks for, before a family gives it a shape, and the wire request that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["user", "assistant", "tool"]
AuthStyle = Literal["bearer", "x-api-key"]


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image by public https address (`url`) or inline (`media_type`, `data_b64`); exactly one of them."""

    url: str = ""
    media_type: str = ""
    data_b64: str = ""


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A call the assistant made; `arguments` is JSON source text as it came."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResultPart:
    call_id: str
    content: str


Part = TextPart | ImagePart | ToolCallPart | ToolResultPart


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One turn to be answered.

    `params` holds only what is to be sent, by the family's own field names: a parameter that is
    switched off is absent, and 0 is a value.
    """

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[Tool, ...] = ()
    tool_choice: str | None = None
    stream: bool = True


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request for the transport; it holds no key. `path` starts with a slash, `body` is JSON bytes."""

    method: Literal["GET", "POST"]
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    auth: AuthStyle = "bearer"
    stream: bool = False
