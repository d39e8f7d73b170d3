"""The families this product speaks. Everyone else looks a family up here and names none.

A new family is a module beside `openai_chat` and a row in `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playground.gateway.assembly import Decoder
from playground.gateway.events import Event
from playground.gateway.params import ParamSpec
from playground.gateway.request import AuthStyle, ChatRequest, WireRequest
from playground.gateway.wire import openai_chat


@dataclass(frozen=True, slots=True)
class Family:
    """One way to speak to the gateway.

    `decoder()` makes a decoder for one streamed answer, `decode_whole(body)` reads one that came as a
    whole: both give the same events and never raise. `models_path`, `auth` and `headers` are for the
    list of models.
    """

    key: str
    label: str
    encode: Callable[[ChatRequest], WireRequest]
    decoder: Callable[[], Decoder]
    decode_whole: Callable[[bytes], list[Event]]
    params: tuple[ParamSpec, ...]
    models_path: str
    auth: AuthStyle = "bearer"
    headers: Mapping[str, str] = field(default_factory=dict)

    def param(self, name: str) -> ParamSpec | None:
        return next((spec for spec in self.params if spec.name == name), None)


FAMILIES: dict[str, Family] = {
    family.key: family
    for family in (
        Family(
            key=openai_chat.FAMILY,
            label=openai_chat.LABEL,
            encode=openai_chat.encode,
            decoder=openai_chat.Decoder,
            decode_whole=openai_chat.decode_whole,
            params=openai_chat.PARAMS,
            models_path="/openai/v1/models",
        ),
    )
}
