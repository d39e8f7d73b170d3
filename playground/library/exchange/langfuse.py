"""Langfuse prompts: what its API gives for a prompt (name, type, prompt, config, version, labels, tags,
commitMessage), one, a list, or a page {"data": […]}. Versions of one name become one prompt. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from playground.library.exchange import texts
from playground.library.exchange.draft import Draft, DraftVersion, Reader, Unfit, kind_of

# A prompt inside a prompt, as Langfuse writes it, and as it is written here.
_REFERENCE = re.compile(r"@@@langfusePrompt:name=([^|@]{1,200})\|(label|version)=([\w.-]{1,40})@@@")
_INSERTION = re.compile(r"(?<!\\)\{\{>[ \t]*([a-z0-9][a-z0-9_-]{0,79})(?:@([\w.-]{1,40}))?[ \t]*\}\}")


def matches(value: Any) -> bool:
    return isinstance(value, dict) and "name" in value and ("prompt" in value or "labels" in value)


def read(value: Any, path: tuple[str | int, ...], line: int) -> tuple[str, int, Draft]:
    given = Reader(value, path)
    remarks: list[str] = []
    name = given.text("name", needed=True)
    settings, left = texts.settings_of(given.object("config"), "openai_chat")
    if left:
        remarks.append(f"Of the config, {', '.join(sorted(left)[:8])} is kept, but not sent.")
    parts = [part.strip() for part in name.split("/") if part.strip()] or [name]
    kept = {key: item for key, item in given.object("config").items() if key in left}
    version = DraftVersion(
        body=texts.body_of(_messages(given, remarks), settings, config=kept),
        note=given.text("commitMessage"),
        labels=texts.labels_of(_labels(given), remarks),
        created_at=given.time("createdAt"),
    )
    draft = Draft(
        slug=texts.slug_of(name),
        title=parts[-1],
        folder=tuple(parts[:-1]),
        tags=given.texts("tags"),
        versions=(version,),
        remarks=tuple(remarks),
        line=line,
    )
    return name, given.number("version", 1), draft


def _labels(given: Reader) -> list[str]:
    """Before labels there was `isActive`."""
    active = given.given.get("isActive") is True
    return [*given.texts("labels"), *(["production"] if active else [])]


def _messages(given: Reader, remarks: list[str]) -> list[tuple[str, str]]:
    prompt = given.given.get("prompt")
    if isinstance(prompt, str):
        return [("user", _here(prompt))]
    if not isinstance(prompt, list):
        sentence = f"“prompt” must be a text or a list of messages, not {kind_of(prompt)}."
        raise Unfit(sentence, *given.path, "prompt")
    return [_message(row, remarks) for row in given.readers("prompt")]


def _message(row: Reader, remarks: list[str]) -> tuple[str, str]:
    if row.text("type") == "placeholder":
        name = row.text("name", needed=True)
        remarks.append(f"The placeholder “{name[:40]}” for messages became a variable.")
        return "user", f"{{{{{re.sub(r'[^A-Za-z0-9_]', '_', name)}}}}}"
    return row.text("role", needed=True), _here(row.text("content", needed=True))


def _here(text: str) -> str:
    return _REFERENCE.sub(lambda found: f"{{{{> {texts.slug_of(found[1])}@{found[3]}}}}}", text)


def write(drafts: Sequence[Draft]) -> str:
    rows = [
        _told(draft, number, version) for draft in drafts for number, version in enumerate(draft.versions, 1)
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def _told(draft: Draft, number: int, version: DraftVersion) -> dict[str, Any]:
    told = [{"role": role, "content": _there(text)} for role, text in texts.messages_of(version.body)]
    plain = len(told) == 1 and told[0]["role"] == "user"
    newest = ["latest"] if version is draft.head else []
    kept = version.body.get("config")
    return {
        "name": "/".join([*draft.folder, draft.slug]),
        "type": "text" if plain else "chat",
        "prompt": told[0]["content"] if plain else told,
        "config": (kept if isinstance(kept, dict) else {}) | texts.config_of(version.body),
        "version": number,
        "labels": [*version.labels, *newest],
        "tags": list(draft.tags),
        "commitMessage": version.note or None,
        "createdAt": version.created_at.isoformat() if version.created_at else None,
    }


def _there(text: str) -> str:
    def reference(found: re.Match[str]) -> str:
        label = found[2] or "latest"
        return f"@@@langfusePrompt:name={found[1]}|{'version' if label.isdigit() else 'label'}={label}@@@"

    return _INSERTION.sub(reference, text)
