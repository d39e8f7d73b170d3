"""What the templates of tools, results and schemas say."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django import template
from django.template import Context

from playground.chat import examples, followups, rounds
from playground.chat.models import Turn
from playground.chat.settings_form import Settings
from playground.chat.thread import ShownTurn

register = template.Library()


@dataclass(frozen=True, slots=True)
class ToolRow:
    """A tool as its fields show it; `at` is its place among them."""

    at: int
    name: str
    description: str
    parameters: str
    mock: str
    name_error: str
    parameters_error: str
    fresh: bool

    @property
    def opened(self) -> bool:
        return self.fresh or bool(self.name_error or self.parameters_error)


@register.simple_tag
def tool_rows(settings: Settings, errors: Mapping[str, str] | str, fresh: int | str = "") -> list[ToolRow]:
    """The tools of some settings; `fresh` is the place of one that was just added."""
    found = errors if isinstance(errors, Mapping) else {}
    rows = (settings.get("tools") or {}).get("list") or []
    return [
        ToolRow(
            at=at,
            name=row.get("name", ""),
            description=row.get("description", ""),
            parameters=row.get("parameters", ""),
            mock=row.get("mock", ""),
            name_error=found.get(f"tool-{at}-name", ""),
            parameters_error=found.get(f"tool-{at}-parameters", ""),
            fresh=at == fresh,
        )
        for at, row in enumerate(rows)
    ]


@register.simple_tag
def tool_examples() -> tuple[examples.ToolExample, ...]:
    return examples.TOOLS


@register.simple_tag
def schema_examples() -> tuple[examples.SchemaExample, ...]:
    return examples.SCHEMAS


@register.simple_tag(takes_context=True)
def complaints(context: Context, errors: Mapping[str, str]) -> list[tuple[str, str]]:
    """Every place of the posted tools, schema and extra fields that can hold an error, with what is there."""
    posted = context["request"].POST
    places = [name for name in ("extra", "schema", "schema-name") if name in posted]
    if "tool-choice" in posted:
        places.append("tools")
    for at in range(len(posted.getlist("tool-name"))):
        places += [f"tool-{at}-name", f"tool-{at}-parameters"]
    return [(place, errors.get(place, "")) for place in places]


@register.filter
def waits_for_results(shown: ShownTurn) -> bool:
    return followups.waits(shown.turn, shown.run)


@register.filter
def went_on(shown: ShownTurn) -> bool:
    """Whether the calls of the answer were answered already, here or on another branch."""
    return (
        shown.run is not None
        and shown.run.reason == "tool_calls"
        and shown.turn.conversation.leaf_id != shown.turn.pk
    )


@register.simple_tag
def result_rows(answer: Turn) -> list[followups.ResultRow]:
    return followups.result_rows(answer)


@register.filter
def went_round(shown: ShownTurn) -> bool:
    """Whether the saved results were given as often in a row as they may be."""
    return shown.run is not None and shown.run.params.get("rounds", 0) >= rounds.MOST_ROUNDS


@register.simple_tag
def new_id() -> uuid.UUID:
    return uuid.uuid4()
