"""The studio's prompts as the library asks for them: what is wrong with a body, what it shows, its run."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django.urls import reverse

from accounts.models import GatewayKey, User
from playground.gateway.media.operation import Operation
from playground.library import fill
from playground.library.kinds import AUDIO, IMAGE, SONG, VIDEO, Body, Complaint, Kind, Section, Values
from playground.library.models import PromptVersion
from playground.media import catalogue, forms, orders, prompts
from playground.ops import catalog

# What has braces in it may be a placeholder: it is judged when it is filled.
OPEN = "{{"


def check_of(kind: str) -> Callable[[Body], list[Complaint]]:
    """What is wrong with a body of this kind; [] when the form can take it."""

    def check(body: Body) -> list[Complaint]:
        return list(_complaints(kind, body))

    return check


def _complaints(kind: str, body: Body) -> Iterator[Complaint]:
    operation = catalogue.find(str(body.get("operation") or ""))
    if operation is None:
        yield Complaint("operation", "This prompt names no form of the studio that is here.")
        return
    if prompts.kind_of(operation) != kind:
        yield Complaint("operation", f"{operation.label} does not make this kind of thing.")
        return
    values = body.get("values", {})
    if not isinstance(values, dict):
        yield Complaint("values", "The values must be an object.")
        return
    yield from _values(operation, values)
    _, wrong = forms.extra_of(prompts.form_of(body))
    if wrong:
        yield Complaint("extra", wrong)


def _values(operation: Operation, values: dict[str, Any]) -> Iterator[Complaint]:
    files = {row.name for row in operation.files}
    for name, value in values.items():
        path, spec = f"values.{name}", operation.spec(name)
        if OPEN in json.dumps(value):
            continue
        if name in files:
            if value and not prompts.is_refs(value):
                yield Complaint(path, "A file is an address with https://, or one of the studio's.")
        elif spec is None:
            yield Complaint(path, f"{operation.label} has no field {name}.")
        elif value not in ("", None):
            try:
                spec.clean(forms.shown(value))
            except ValueError as error:
                yield Complaint(path, str(error))


def parts(body: Body) -> list[Section]:
    """What the form is, the words in it, then the rest."""
    key = str(body.get("operation") or "")
    operation = catalogue.find(key)
    told = body.get("values")
    values: dict[str, Any] = told if isinstance(told, dict) else {}
    model = str(body.get("model") or "")
    made_with = " · ".join(word for word in (operation.label if operation else key, model) if word)
    found = [Section("operation", "Made with", made_with)] if made_with else []
    rest: dict[str, Any] = {}
    for name, value in values.items():
        spec = operation.spec(name) if operation else None
        if operation and name == operation.model_field:
            continue
        if isinstance(value, str) and (spec is None or spec.kind == "text"):
            found.append(Section(f"values.{name}", spec.label if spec else name, value))
        else:
            rest[name] = value
    if rest:
        text = json.dumps(rest, indent=2, sort_keys=True, ensure_ascii=False)
        found.append(Section("values", "Settings", text, code=True))
    if body.get("extra"):
        found.append(Section("extra", "Extra fields", forms.shown(body["extra"]), code=True))
    return found


def open_url(version: PromptVersion) -> str:
    """The page that asks for the values and fills the form."""
    return reverse("media:prompt", args=[version.pk])


def run(version: PromptVersion, values: Values, user: User, key: GatewayKey | None) -> str:
    """Place the order at once."""
    found = prompts.opened(version, values, user)
    if isinstance(found, fill.Errors):
        raise ValueError(" ".join(f"{name}: {told}".strip(": ") for name, told in found.by_name.items()))
    team = version.prompt.team
    keys = [key] if key is not None else catalog.usable_keys(user, team)
    if not keys:
        raise ValueError("There is no key to make it with. Add one in Settings.")
    extra, wrong = forms.extra_of(found)
    if wrong:
        raise ValueError(wrong)
    order = orders.Order(
        operation=str(version.body.get("operation") or ""),
        key_id=keys[0].pk,
        form_id=uuid.uuid4(),
        values=found.values,
        files={name: [dict(ref) for ref in refs] for name, refs in found.files.items()},
        extra=extra,
        prompt_version=version,
        variables=json.loads(found.variables),
    )
    try:
        task = orders.place(order, user, team)
    except orders.Refused as refused:
        raise ValueError(str(refused)) from None
    return reverse("media:task", args=[task.pk])


def _kind(key: str, label: str, icon: str) -> Kind:
    return Kind(key, label, icon, check_of(key), open_url, parts, None, run, room=orders.room)


KINDS = (
    _kind(IMAGE, "Image", "image"),
    _kind(VIDEO, "Video", "play"),
    _kind(SONG, "Song", "activity"),
    _kind(AUDIO, "Audio & text", "file-text"),
)
