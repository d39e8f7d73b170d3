"""Open WebUI prompts: its export is a list of {command, title (later: name), content, …}. Pure.

Typed variables such as {{city | select:options=["Rome","Oslo"]:required}} become variables of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from playground.library.exchange import texts
from playground.library.exchange.draft import Draft, DraftVersion, Reader

TYPES = {
    "text": "text", "textarea": "long", "select": "choice", "number": "number", "range": "number",
    "checkbox": "boolean", "date": "date",
}  # fmt: skip
BUILT_IN = (
    "CLIPBOARD", "CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIME", "CURRENT_TIMEZONE", "CURRENT_WEEKDAY",
    "USER_NAME", "USER_LANGUAGE", "USER_LOCATION", "USER_BIO", "USER_GENDER", "USER_AGE", "USER_BIRTH_DATE",
)  # fmt: skip
_VARIABLE = re.compile(r"\{\{[ \t]*([^\W\d]\w{0,63})[ \t]*(?:\|([^{}\n]{0,4000}))?\}\}")
# A property of a variable: name, name=word, name="text", name=[list].
_PROPERTY = re.compile(r':?([a-z_]+)(?:=("(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^:"\[]*))?')


def matches(value: Any) -> bool:
    return isinstance(value, dict) and "command" in value and "content" in value


def read(value: Any, path: tuple[str | int, ...], line: int) -> Draft:
    given = Reader(value, path)
    command = given.text("command", needed=True).lstrip("/")
    remarks: list[str] = []
    content, declared = _variables(given.text("content", needed=True), remarks)
    version = DraftVersion(
        body=texts.body_of([("user", content)], variables=declared), created_at=_time(given)
    )
    return Draft(
        slug=texts.slug_of(command),
        title=given.text("name", "title") or command,
        tags=_tags(given),
        versions=(version,),
        remarks=tuple(remarks),
        line=line,
    )


def _time(given: Reader) -> datetime | None:
    """Seconds since 1970, as it is in every version of that product."""
    for name in ("created_at", "timestamp"):
        if seconds := given.number(name):
            return datetime.fromtimestamp(seconds, UTC)
    return None


def _tags(given: Reader) -> tuple[str, ...]:
    """Names, or objects with a name."""
    return tuple(
        one if isinstance(one, str) else Reader(one, (*given.path, "tags", place)).text("name")
        for place, one in enumerate(given.items("tags"))
    )


def _variables(content: str, remarks: list[str]) -> tuple[str, list[dict[str, Any]]]:
    """The text with plain variables, and their declarations."""
    found: dict[str, dict[str, Any]] = {}
    filled = [name for name in BUILT_IN if re.search(rf"\{{\{{[ \t]*{name}[ \t]*\}}\}}", content)]
    if filled:
        remarks.append(f"Open WebUI fills in {', '.join(filled)} by itself; here it is asked for.")

    def plain(match: re.Match[str]) -> str:
        name, told = match[1], match[2]
        if name not in found or told:
            found[name] = _declared(name, told or "")
        return f"{{{{{name}}}}}"

    text = _VARIABLE.sub(plain, content)
    return text, list(found.values())[:100]


def _declared(name: str, told: str) -> dict[str, Any]:
    told = told.strip()
    kind, _, rest = told.partition(":")
    properties = {one[1]: one[2] for one in _PROPERTY.finditer(rest)}
    choices = [str(one) for one in _json(properties.get("options"), []) if str(one)][:200]
    sort = TYPES.get(kind.strip() or "text", "text")
    if sort == "choice" and not choices:
        sort = "text"
    variable: dict[str, Any] = {"name": name, "type": sort, "required": "required" in properties or not told}
    default = _json(properties.get("default"), "")
    if default not in ("", None) and (sort != "choice" or default in choices):
        variable["default"] = default if isinstance(default, bool) else str(default)
    if about := str(_json(properties.get("placeholder"), "") or ""):
        variable["help"] = about[:500]
    return variable | ({"choices": choices} if sort == "choice" else {})


def _json(text: str | None, otherwise: Any) -> Any:
    """The value of a property; what is no JSON is a bare word."""
    if text is None:
        return otherwise
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text.strip() if isinstance(otherwise, str) else otherwise


def write(drafts: Sequence[Draft]) -> str:
    return json.dumps([_told(draft) for draft in drafts], ensure_ascii=False, indent=2) + "\n"


def _told(draft: Draft) -> dict[str, Any]:
    at = draft.head.created_at
    return {
        "command": f"/{draft.slug}",
        "title": draft.title,
        "name": draft.title,
        "content": "\n\n".join(text for _, text in texts.messages_of(draft.head.body)),
        "tags": list(draft.tags),
        "timestamp": int(at.timestamp()) if at else 0,
        "access_control": {},
    }
