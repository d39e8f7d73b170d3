"""What the rest of the product knows of a family: how it is spoken, and what it can and cannot do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playground.gateway.assembly import Decoder
from playground.gateway.events import Event
from playground.gateway.params import ParamSpec
from playground.gateway.request import AuthStyle, ChatRequest, WireRequest


@dataclass(frozen=True, slots=True)
class UsageWords:
    """Which field of the wire each term of our counts is read from, in the family's own words.

    The terms of input: fresh, cache read, cache written. Of output: answer, reasoning. "" where the
    family tells no such count.
    """

    fresh: str
    cache_read: str = ""
    cache_write: str = ""
    answer: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Counting:
    """A route that counts the tokens of a request before it is sent.

    `read` takes the body of the answer. Raises GatewayError("protocol") when it holds no count.
    """

    encode: Callable[[ChatRequest], WireRequest]
    read: Callable[[bytes], int]


@dataclass(frozen=True, slots=True)
class Family:
    """One way to speak to the gateway.

    `decoder()` makes a decoder for one streamed answer, `decode_whole(body)` reads one that came as a
    whole: both give the same events and never raise. `models` is the family whose list of models
    serves this one too; `models_path`, `auth` and `headers` are for that list.
    `unshown(native)` names the blocks of a native content that no part of ours stands for.
    """

    key: str
    label: str
    encode: Callable[[ChatRequest], WireRequest]
    decoder: Callable[[], Decoder]
    decode_whole: Callable[[bytes], list[Event]]
    params: tuple[ParamSpec, ...]
    usage: UsageWords
    models: str = ""
    models_path: str = ""
    auth: AuthStyle = "bearer"
    headers: Mapping[str, str] = field(default_factory=dict)
    beta: bool = False
    counting: Counting | None = None
    unshown: Callable[[str], tuple[str, ...]] = lambda native: ()
    # What the history and the question may hold, and what the settings offer.
    takes_files: bool = False
    takes_answer_images: bool = False
    wants_argument_objects: bool = False
    marks_cache: bool = False
    makes_images: bool = False

    def param(self, name: str) -> ParamSpec | None:
        return next((spec for spec in self.params if spec.name == name), None)
