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
class FilePart:
    """A video or another file by its address; only some families take one."""

    url: str
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A call the assistant made; `arguments` is JSON source text as it came."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResultPart:
    """What a tool gave back. `name` is the tool's, as some families ask for it beside the id of the call."""

    call_id: str
    content: str
    name: str = ""
    failed: bool = False


Part = TextPart | ImagePart | FilePart | ToolCallPart | ToolResultPart


@dataclass(frozen=True, slots=True)
class Message:
    """`native` is the JSON text of the content as the same family and model once sent it: it goes up
    instead of `parts`. `cached`: the prompt up to here is worth keeping in the provider's cache.
    """

    role: Role
    parts: tuple[Part, ...]
    native: str = ""
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """The JSON Schema an answer is to fit."""

    schema: Mapping[str, Any]
    name: str = "answer"
    strict: bool = True


@dataclass(frozen=True, slots=True)
class Caching:
    """Which fixed parts of the prompt are marked for the provider's cache, where a family has marks."""

    system: bool = False
    tools: bool = False
    ttl: Literal["5m", "1h"] = "5m"


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One turn to be answered.

    `params` holds only what is to be sent, by the family's own field names (a dot goes one object
    deeper): a parameter that is switched off is absent, and 0 is a value. `tool_choice` is auto, none,
    required or the name of a tool. `extra` is merged into the finished body, last.
    """

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[Tool, ...] = ()
    tool_choice: str | None = None
    schema: OutputSchema | None = None
    caching: Caching = field(default_factory=Caching)
    extra: Mapping[str, Any] = field(default_factory=dict)
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
