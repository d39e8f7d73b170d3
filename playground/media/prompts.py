"""Prompts of the library in the studio: a form as a prompt's body, and a version as a filled form."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.models import User
from playground.gateway.media.operation import Operation
from playground.library import fill, rights, variables
from playground.library.kinds import AUDIO, IMAGE, SONG, VIDEO, Body
from playground.library.models import Level, PromptVersion
from playground.media import catalogue, forms
from playground.media.forms import Filled

# A kind of prompts for each page of the studio.
KIND_OF = {"image": IMAGE, "video": VIDEO, "music": SONG, "speech": AUDIO, "text": AUDIO}
KINDS = frozenset(KIND_OF.values())
GONE = "The prompt is not there any more, or not for you. Take it out of the form, or open another one."
CHATS = "This picture belongs to a chat. Give its address, or a file of the studio."


@dataclass(frozen=True, slots=True)
class Origin:
    """What a task was asked for with."""

    version: PromptVersion
    values: dict[str, Any]


def kind_of(operation: Operation) -> str:
    return KIND_OF.get(operation.medium, IMAGE)


def version_for(user: User, team_id: uuid.UUID, pk: str) -> PromptVersion | None:
    """A version of a prompt of the studio's that the person may run in this team."""
    try:
        wanted = uuid.UUID(pk)
    except ValueError:
        return None
    rows = PromptVersion.objects.filter(prompt__team=team_id, prompt__kind__in=KINDS)
    version = rows.select_related("prompt__head").filter(pk=wanted).first()
    if version is None:
        return None
    try:
        rights.need(user, version.prompt, Level.RUN)
    except (Http404, PermissionDenied):
        return None
    return version


def origin_of(user: User, team_id: uuid.UUID, filled: Filled) -> Origin | None:
    """What the form names as its prompt; None for what was typed freely. ValueError says why not."""
    if not filled.prompt:
        return None
    version = version_for(user, team_id, filled.prompt)
    if version is None:
        raise ValueError(GONE)
    try:
        values = json.loads(filled.variables or "{}")
    except (ValueError, RecursionError):
        values = {}
    return Origin(version, values if isinstance(values, dict) else {})


def opened(version: PromptVersion, values: Mapping[str, Any], user: User) -> Filled | fill.Errors:
    """The form that a version fills in, with the values in their places."""
    found = fill.filled(version, values, user)
    if isinstance(found, fill.Errors):
        return found
    for each in fill.variables_of(version, user):
        given = str(found.values.get(each.name) or each.default or "")
        if each.type == "image" and given.startswith("attachment:"):
            return fill.Errors({each.name: CHATS})
    return form_of(found.body, str(version.pk), json.dumps(found.values, ensure_ascii=False))


def form_of(body: Body, version: str = "", given: str = "") -> Filled:
    """A body as a form: files stand among its values, as "upload:<id>", "asset:<id>" or an address."""
    told, operation = body.get("values"), catalogue.find(str(body.get("operation") or ""))
    values: dict[str, Any] = dict(told) if isinstance(told, dict) else {}
    names = [row.name for row in operation.files] if operation else []
    files = {name: refs_of(values.pop(name)) for name in names if name in values}
    extra = body.get("extra") or ""
    return Filled(
        values={name: forms.shown(value) for name, value in values.items()},
        files=files,
        extra=extra if isinstance(extra, str) else forms.shown(extra),
        prompt=version,
        variables=given,
    )


def is_refs(value: Any) -> bool:
    """Whether a value names files and nothing else; an editor may have made lines of the list."""
    rows = value.splitlines() if isinstance(value, str) else value
    return bool(rows) and isinstance(rows, list) and all(_ref(row) is not None for row in rows)


def refs_of(value: Any) -> list[dict[str, str]]:
    rows = value.splitlines() if isinstance(value, str) else value
    return [ref for row in (rows if isinstance(rows, list) else ()) if (ref := _ref(row)) is not None]


def _ref(text: Any) -> dict[str, str] | None:
    if not isinstance(text, str):
        return None
    return {"url": text} if text.startswith("https://") and " " not in text else forms.ref_of(text)


def body_of(operation: Operation, filled: Filled, texts: Mapping[str, str] | None = None) -> Body:
    """What a form says, as the body of a prompt. `texts` are those that were written for it, placeholders
    and all; what else stands in the form is meant as it is.
    """
    written = texts or {}
    # What an earlier result fills in is no one else's to use.
    names = [spec.name for spec in operation.fields if spec.name not in operation.takes_result]
    values: dict[str, Any] = {
        name: written.get(name, _escaped(filled.values[name])) for name in names if filled.values.get(name)
    }
    values |= {name: text for name, text in written.items() if name in names and text}
    files = {row.name: [_told(ref) for ref in filled.files.get(row.name, ())] for row in operation.files}
    values |= {name: refs for name, refs in files.items() if refs}
    model = values.get(operation.model_field, "") if operation.model_field else ""
    body: Body = {"operation": operation.key, "model": model, "values": values, "variables": []}
    return body | ({"extra": filled.extra} if filled.extra.strip() else {})


def _escaped(value: Any) -> Any:
    return variables.escape(value) if isinstance(value, str) else value


def _told(ref: Mapping[str, str]) -> str:
    return ref["url"] if "url" in ref else next(f"{kind}:{pk}" for kind, pk in ref.items())


def texts_of(operation: Operation, filled: Filled, origin: Origin | None, user: User) -> dict[str, str]:
    """What a person wrote in the form; as the version says it, where nothing else stands there."""
    no_words = {operation.model_field, *operation.takes_result}
    specs = [spec for spec in operation.fields if spec.kind == "text" and spec.name not in no_words]
    meant = _meant(origin, user)
    found = {}
    for spec in specs:
        text = str(filled.values.get(spec.name) or "")
        if text:
            told, full = meant.get(spec.name, ("", None))
            found[spec.name] = told if full == text else variables.escape(text)
    return found


def _meant(origin: Origin | None, user: User) -> dict[str, tuple[str, str]]:
    """By field, what the version says, and what that came to with the values."""
    told = fill.filled(origin.version, origin.values, user) if origin else None
    if origin is None or not isinstance(told, fill.Filled):
        return {}
    pairs = ((origin.version.body.get("values") or {}), (told.body.get("values") or {}))
    return {
        name: (text, str(pairs[1].get(name)))
        for name, text in pairs[0].items()
        if isinstance(text, str) and isinstance(pairs[1].get(name), str)
    }
