"""Tools and schemas to begin with; texts, as the fields of the page hold them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolExample:
    key: str
    label: str
    row: dict[str, str]
    """name, description, parameters (JSON text) and mock, as the settings keep a tool."""


@dataclass(frozen=True, slots=True)
class SchemaExample:
    key: str
    label: str
    text: str


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _object(required: list[str] | None = None, **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def _tool(key: str, name: str, label: str, about: str, parameters: dict[str, Any], mock: Any) -> ToolExample:
    row = {"name": name, "description": about, "parameters": _text(parameters), "mock": _text(mock)}
    return ToolExample(key, label, row)


EMPTY_TOOL = {"name": "", "description": "", "parameters": _text(_object([])), "mock": ""}
TOOLS = (
    _tool(
        "weather",
        "get_weather",
        "Weather",
        "The weather in a city now.",
        _object(
            ["city"],
            city={"type": "string", "description": "The city, such as Lisbon"},
            unit={"type": "string", "enum": ["celsius", "fahrenheit"], "description": "Celsius if left out"},
        ),
        {"temperature": 21, "unit": "celsius", "sky": "light clouds", "wind_kmh": 14},
    ),
    _tool(
        "search",
        "search",
        "Search",
        "Search the web; gives titles, addresses and short extracts.",
        _object(
            ["query"],
            query={"type": "string", "description": "A few words"},
            limit={"type": "integer", "minimum": 1, "maximum": 10, "description": "How many results"},
        ),
        {
            "results": [
                {
                    "title": "Lighthouse",
                    "url": "https://example.com/lighthouse",
                    "extract": "A tower with a light that warns ships of the coast.",
                }
            ]
        },
    ),
    _tool(
        "calculator",
        "calculate",
        "Calculator",
        "Work out an arithmetic expression exactly.",
        _object(expression={"type": "string", "description": "For example (12.5 + 3) * 4"}),
        {"value": 62},
    ),
    _tool(
        "clock",
        "current_time",
        "Clock",
        "The date and time in a time zone now.",
        _object(zone={"type": "string", "description": "An IANA name, such as Europe/Lisbon"}),
        {"time": "2026-11-20T09:30:00+00:00", "weekday": "Friday"},
    ),
    _tool(
        "order",
        "get_order",
        "Look up an order",
        "State and contents of a customer's order.",
        _object(order_id={"type": "string", "pattern": "^[A-Z]{2}[0-9]{4,8}$", "description": "As AB12345"}),
        {"order_id": "AB12345", "state": "shipped", "items": [{"sku": "LAMP-2", "count": 1}]},
    ),
)
SCHEMAS = (
    SchemaExample(
        "contact",
        "Contact",
        _text(
            _object(
                name={"type": "string"},
                email={"type": "string", "description": "Empty if none is told"},
                phone={"type": ["string", "null"]},
            )
        ),
    ),
    SchemaExample(
        "judgement",
        "Judgement with reasons",
        _text(
            _object(
                mood={"type": "string", "enum": ["positive", "neutral", "negative"]},
                score={"type": "number", "minimum": 0, "maximum": 1},
                reasons={"type": "array", "items": {"type": "string"}, "minItems": 1},
            )
        ),
    ),
    SchemaExample(
        "invoice",
        "Invoice with lines",
        _text(
            _object(
                number={"type": "string"},
                date={"type": "string", "description": "YYYY-MM-DD"},
                lines={
                    "type": "array",
                    "items": _object(
                        text={"type": "string"}, count={"type": "integer"}, price={"type": "number"}
                    ),
                },
                total={"type": "number"},
            )
        ),
    ),
    SchemaExample(
        "steps",
        "Steps of a plan",
        _text(
            _object(
                steps={
                    "type": "array",
                    "items": _object(title={"type": "string"}, minutes={"type": "integer"}),
                }
            )
        ),
    ),
)
