"""The models on offer and the two lists that show them (contract section 5)."""

import re
from dataclasses import dataclass, field
from typing import Any

from .exchange import Refused
from .faults import CATALOGUE, Fault, read_fault
from .pace import Pace

_PUBLISHED = "2026-11-01T00:00:00Z"
_LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Model:
    """One model: how it is listed and how it behaves."""

    id: str
    display_name: str
    served_as: str = ""
    pace: Pace = field(default_factory=Pace)
    reasons: bool = False
    fault: Fault | None = None
    chats: bool = True

    @property
    def served_model(self) -> str:
        return self.served_as or self.id

    def row(self) -> dict[str, Any]:
        return {
            "type": "model",
            "id": self.id,
            "display_name": self.display_name,
            "created_at": _PUBLISHED,
        }


DRAWS = "demo-image"

GOOD = (
    Model("demo-chat", "Demo Chat"),
    Model(
        "demo-chat-mini",
        "Demo Chat Mini (answers as demo-chat-mini-anyint)",
        served_as="demo-chat-mini-anyint",
        pace=Pace(0.2, 45),
    ),
    Model("demo-reasoning", "Demo Reasoning (thinks first)", pace=Pace(0.4, 42), reasons=True),
    Model("demo-vision", "Demo Vision (looks at images)", pace=Pace(0.35, 34)),
    Model(DRAWS, "Demo Image (draws, over Gemini and the image routes)", pace=Pace(0.6, 38)),
    Model("demo/with-slash", "Demo With a Slash in its Id"),
)

MEDIA = (
    Model("demo-video", "Demo Video (films, over the media routes)", chats=False),
    Model("demo-speech", "Demo Speech (hums, over /audio/speech)", chats=False),
    Model("demo-transcribe", "Demo Transcribe (over /audio/transcriptions)", chats=False),
    Model("demo-embedding", "Demo Embedding (over /embeddings)", chats=False),
    Model("demo-moderation", "Demo Moderation (over /moderations)", chats=False),
)

_HOSTILE_NAMES = (
    "Many {n}",
    "<script>alert({n})</script>",
    '"><img src=x onerror=alert({n})>',
    "{{{{ {n} }}}} {{% debug %}}",
    "Right to left \u202e{n} txt.exe",
    "Emoji \U0001f469\u200d\U0001f4bb {n} \u0928\u092e\u0938\u094d\u0924\u0947",
    "Nul \x00 byte {n}",
    "Lone surrogate \ud83d {n}",
    "Very long " + "name " * 80 + "{n}",
    "Line\nbreak\tand tab {n}",
    "'; DROP TABLE models; -- {n}",
    "   {n}   ",
)


def listed(many: int) -> tuple[Model, ...]:
    """The models of the list, filled up with oddly named ones to `many` rows."""
    faults = tuple(_fault_model(fault, fault.title) for fault in CATALOGUE)
    usual = GOOD + MEDIA + faults
    extra = (
        Model(f"demo-many-{number:05}", _HOSTILE_NAMES[number % len(_HOSTILE_NAMES)].format(n=number))
        for number in range(1, many - len(usual) + 1)
    )
    return usual + tuple(extra)


def _fault_model(fault: Fault, display_name: str) -> Model:
    pace = Pace()
    if fault.kind == "slow":
        pace = Pace(1, 1)
    if fault.kind == "fast":
        pace = Pace().faster(0)
    return Model(fault.model_id, display_name, pace=pace, fault=fault)


class Shelf:
    """All models of one demo gateway: to list in pages, and to find by id."""

    def __init__(self, many: int = 0) -> None:
        self._models = listed(many)
        self._by_id = {model.id: model for model in self._models}

    def find(self, model_id: str) -> Model:
        """A listed model that writes, or one of a numbered kind such as demo-cut-after-7.

        An unknown id is answered with 403, as was observed (contract 4.1).
        """
        model = self._by_id.get(model_id)
        if model is None:
            fault = read_fault(model_id)
            model = _fault_model(fault, fault.title) if fault else None
        if model is None:
            raise Refused(
                403,
                "This key may not call the requested model",
                type="permission_error",
                code="model_not_available",
                param="model",
            )
        if not model.chats:
            raise Refused(400, f"{model.id} is no model for this route", param="model")
        return model

    def page(self, query: dict[str, str], *, default_limit: int) -> dict[str, Any]:
        """One page in the Anthropic list shape, which both lists have."""
        limit = _limit(query.get("limit", str(default_limit)))
        start = self._after(query.get("after_id", ""))
        rows = [model.row() for model in self._models[start : start + limit]]
        return {
            "data": rows,
            "has_more": start + limit < len(self._models),
            "first_id": rows[0]["id"] if rows else None,
            "last_id": rows[-1]["id"] if rows else None,
        }

    def _after(self, after_id: str) -> int:
        if not after_id:
            return 0
        for place, model in enumerate(self._models):
            if model.id == after_id:
                return place + 1
        raise Refused(400, "after_id: no such model", param="after_id")


def _limit(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= _LARGEST_PAGE:
        raise Refused(400, f"limit must be between 1 and {_LARGEST_PAGE}", param="limit")
    return int(text)
