"""OpenAI's hosted prompts, which end on 2026-11-30. There is no call that exports them, so several shapes
are taken: the prompt as an object (id, version, variables, instructions or messages, model …), with
`versions` or without; and a Responses request or response with its `prompt` and `instructions`. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from playground.library.exchange import texts
from playground.library.exchange.draft import Draft, DraftVersion, Reader, Unfit, kind_of

FAMILY = "openai_responses"
# What of a request is a setting of the prompt; the rest tells of the prompt or of an answer.
SETTINGS = ("model", "temperature", "top_p", "max_output_tokens", "tools", "reasoning")
_TEXTS = ("instructions", "messages", "input", "content")


def matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    inner = value.get("prompt")
    return _is_id(value) or (isinstance(inner, dict) and _is_id(inner))


def _is_id(value: dict[str, Any]) -> bool:
    found = value.get("id") or value.get("prompt_id")
    return isinstance(found, str) and found.startswith("pmpt_")


def read(value: Any, path: tuple[str | int, ...], line: int) -> list[tuple[str, int, Draft]]:
    """One draft for each version there is."""
    given = Reader(value, path)
    inner = given.given.get("prompt")
    named = Reader(inner, (*path, "prompt")) if isinstance(inner, dict) else given
    rows = [Reader(given.given | row.given, row.path) for row in given.readers("versions")] or [given]
    return [_one(row, named, place, line) for place, row in enumerate(rows, 1)]


def _one(row: Reader, named: Reader, place: int, line: int) -> tuple[str, int, Draft]:
    ident = named.text("id", "prompt_id", needed=True)
    number = (row if "version" in row.given else named).number("version", place)
    remarks: list[str] = []
    title = row.text("name", "title") or ident
    note = f"OpenAI {ident}, version {number}"
    default = row.given.get("is_default") is True or str(row.given.get("default_version")) == str(number)
    version = DraftVersion(
        body=_body(row, named, ident, remarks),
        note=note,
        labels=("production",) if default else (),
    )
    draft = Draft(
        slug=texts.slug_of(title),
        title=title,
        about=row.text("description"),
        versions=(version,),
        remarks=tuple(remarks),
        line=line,
    )
    return ident, number, draft


def _body(row: Reader, named: Reader, ident: str, remarks: list[str]) -> dict[str, Any]:
    messages = [pair for name in _TEXTS for pair in _said(row, name)]
    if not any(text for _, text in messages):
        sentence = (
            f"Here is only the name {ident}, not its text. OpenAI gives the text in its dashboard alone: "
            "copy instructions and messages from there."
        )
        raise Unfit(sentence, *row.path)
    config = {name: row.given[name] for name in SETTINGS if name in row.given}
    reasoning = config.get("reasoning")
    effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
    if isinstance(effort, str):
        del config["reasoning"]
    settings, left = texts.settings_of(config, FAMILY)
    if isinstance(effort, str):
        params = settings.get("params", {}) | {"reasoning.effort": {"on": True, "value": effort}}
        settings = settings | {"params": params}
    schema = _schema(row.given.get("text"))
    if left:
        remarks.append(f"{', '.join(sorted(left)[:8])} has no place here and is left out.")
    settings = {"family": FAMILY} | settings | ({"schema": schema} if schema else {})
    return texts.body_of(
        messages, settings, variables=_variables(named if named.given.get("variables") else row)
    )


def _said(row: Reader, name: str) -> list[tuple[str, str]]:
    """(role, text) of instructions, messages or input: a text, or a list of messages."""
    value = row.given.get(name)
    if value is None:
        return []
    if isinstance(value, str):
        return [("system" if name == "instructions" else "user", value)]
    if not isinstance(value, list):
        raise Unfit(f"“{name}” must be a text or a list, not {kind_of(value)}.", *row.path, name)
    rows = [one for one in row.readers(name) if one.given.get("type", "message") == "message"]
    return [(one.text("role") or "user", _content(one)) for one in rows]


def _content(row: Reader) -> str:
    content = row.given.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(part.text("text") for part in row.readers("content", needed=True))


def _variables(given: Reader) -> list[dict[str, Any]]:
    """Values by name, as a call names them, or a list of names or objects."""
    told = given.given.get("variables")
    if isinstance(told, list):
        return [_listed(one, (*given.path, "variables", place)) for place, one in enumerate(told)]
    return [_valued(name, value) for name, value in given.object("variables").items()]


def _listed(one: Any, path: tuple[str | int, ...]) -> dict[str, Any]:
    if isinstance(one, str):
        return {"name": one}
    given = Reader(one, path)
    return _valued(
        given.text("name", "key", needed=True), given.given.get("default", given.given.get("value"))
    )


def _valued(name: str, value: Any) -> dict[str, Any]:
    """The value given there is the default here."""
    if isinstance(value, dict):
        if value.get("type") == "input_image":
            return {"name": name, "type": "image"}
        value = value.get("text")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return {"name": name}
    return {"name": name, "default": str(value)}


def _schema(text: Any) -> dict[str, Any] | None:
    told = text.get("format") if isinstance(text, dict) else None
    if not isinstance(told, dict) or told.get("type") != "json_schema" or "schema" not in told:
        return None
    name, strict = str(told.get("name") or "answer"), told.get("strict") is not False
    return {
        "on": True,
        "name": name,
        "strict": strict,
        "text": json.dumps(told["schema"], ensure_ascii=False),
    }


def write(drafts: Sequence[Draft]) -> str:
    rows = [
        _told(draft, number, version) for draft in drafts for number, version in enumerate(draft.versions, 1)
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def _told(draft: Draft, number: int, version: DraftVersion) -> dict[str, Any]:
    said = texts.messages_of(version.body)
    told = version.body.get("variables")
    declared = told if isinstance(told, list) else []
    values = {
        one["name"]: one.get("default") or "" for one in declared if isinstance(one, dict) and "name" in one
    }
    return {
        "id": f"pmpt_{draft.slug}",
        "version": str(number),
        "name": draft.title,
        "is_default": "production" in version.labels,
        "instructions": "\n\n".join(text for role, text in said if role == "system"),
        "messages": [{"role": role, "content": text} for role, text in said if role != "system"],
        "variables": values,
    } | texts.config_of(version.body)
