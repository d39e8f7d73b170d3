"""Chat prompts as the library asks for them: what is wrong with a body, what it shows, what it sends."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings as site
from django.urls import reverse

from accounts.models import GatewayKey, User
from playground.chat import fallback, prompts, requests, schemas, settings_form, turns
from playground.chat.models import Turn
from playground.chat.settings_form import EMPTY, RESERVED, TTLS
from playground.gateway.errors import GatewayError
from playground.gateway.wire import FAMILIES
from playground.gateway.wire.family import Family
from playground.library.kinds import CHAT, Body, Complaint, Kind, Section, Values
from playground.library.models import PromptVersion

ROLES = ("user", "assistant")
# What has braces in it may be a placeholder: it is judged when it is filled.
OPEN = "{{"


def check(body: Body) -> list[Complaint]:
    """What is wrong with the messages and settings; [] when the chat can take them."""
    return [*_messages(body.get("messages", [])), *_settings(body.get("settings", {})), *_whole(body)]


def _whole(body: Body) -> Iterator[Complaint]:
    settings = body.get("settings")
    system = settings.get("system") if isinstance(settings, dict) else ""
    if not body.get("messages") and not system:
        yield Complaint("messages", "A chat prompt needs a message or a system prompt.")


def _messages(messages: Any) -> Iterator[Complaint]:
    if not isinstance(messages, list):
        yield Complaint("messages", "The messages must be a list.")
        return
    for at, message in enumerate(messages):
        path = f"messages.{at}"
        if not isinstance(message, dict):
            yield Complaint(path, "A message must be an object with a role and a text.")
            continue
        if message.get("role") not in ROLES:
            yield Complaint(f"{path}.role", f"The role of a message must be {' or '.join(ROLES)}.")
        yield from _text(f"{path}.text", message.get("text"), "message")


def _text(path: str, text: Any, what: str) -> Iterator[Complaint]:
    if not isinstance(text, str):
        yield Complaint(path, f"The {what} must be a text.")
    elif len(text) > site.MAX_PROMPT_CHARS:
        yield Complaint(path, f"The {what} is longer than {site.MAX_PROMPT_CHARS:,} characters.")


def _settings(settings: Any) -> Iterator[Complaint]:
    if not isinstance(settings, dict):
        yield Complaint("settings", "The settings must be an object.")
        return
    family = FAMILIES.get(str(settings.get("family") or settings_form.DEFAULT_FAMILY))
    if family is None:
        known = ", ".join(FAMILIES)
        yield Complaint("settings.family", f"There is no family of this name; there are {known}.")
    if not isinstance(settings.get("model", ""), str):
        yield Complaint("settings.model", "The model must be a text.")
    yield from _text("settings.system", settings.get("system", ""), "system prompt")
    if family is not None:
        yield from _params(settings.get("params", {}), family)
    yield from _extra(settings.get("extra", ""))
    yield from _tools(settings.get("tools", {}))
    yield from _schema(settings.get("schema", {}))
    yield from _caching(settings.get("caching", {}))
    yield from _fallback(settings.get("fallback", {}), settings.get("model", ""))


def _params(params: Any, family: Family) -> Iterator[Complaint]:
    if not isinstance(params, dict):
        yield Complaint("settings.params", "The parameters must be an object.")
        return
    for name, row in params.items():
        path, spec = f"settings.params.{name}", family.param(name)
        if not isinstance(row, dict):
            yield Complaint(path, f'{name} must be {{"on": true, "value": …}}.')
        elif spec is None and row.get("on"):
            yield Complaint(path, f"{family.label} has no parameter {name}. It can go into the extra fields.")
        elif spec is not None and row.get("on") and OPEN not in str(row.get("value")):
            try:
                spec.clean(row.get("value"))
            except ValueError as error:
                yield Complaint(path, str(error))


def _extra(extra: Any) -> Iterator[Complaint]:
    if extra in ("", None):
        return
    try:
        told = settings_form.json_object(extra if isinstance(extra, str) else "", "The extra fields")
    except ValueError as error:
        yield Complaint("settings.extra", str(error))
        return
    if taken := [name for name in RESERVED if name in told]:
        yield Complaint("settings.extra", f"{' and '.join(taken)} cannot stand among the extra fields.")


def _tools(tools: Any) -> Iterator[Complaint]:
    if not isinstance(tools, dict) or not isinstance(tools.get("list", []), list):
        yield Complaint("settings.tools", "The tools must be an object with a list.")
        return
    for at, tool in enumerate(tools.get("list", [])):
        path = f"settings.tools.list.{at}"
        if not isinstance(tool, dict) or not all(isinstance(value, str) for value in tool.values()):
            yield Complaint(path, "A tool must be an object of texts: name, description, parameters, mock.")
        elif tools.get("on") and not tool.get("name"):
            yield Complaint(f"{path}.name", "A tool needs a name.")
        elif tools.get("on"):
            yield from _fits(f"{path}.parameters", tool.get("parameters") or "{}")


def _schema(schema: Any) -> Iterator[Complaint]:
    if not isinstance(schema, dict) or not isinstance(schema.get("text", ""), str):
        yield Complaint("settings.schema", "The schema must be an object with its JSON as a text.")
    elif schema.get("on"):
        yield from _fits("settings.schema.text", schema.get("text", ""))


def _fits(path: str, text: str) -> Iterator[Complaint]:
    try:
        schemas.checked(text)
    except ValueError as error:
        yield Complaint(path, str(error))


def _caching(caching: Any) -> Iterator[Complaint]:
    if not isinstance(caching, dict) or caching.get("ttl", TTLS[0]) not in TTLS:
        yield Complaint("settings.caching", f"Caching must be an object; its ttl is {' or '.join(TTLS)}.")


def _fallback(told: Any, model: Any) -> Iterator[Complaint]:
    path = "settings.fallback"
    if not isinstance(told, dict) or not isinstance(told.get("model", ""), str):
        yield Complaint(path, 'The fallback must be {"on": true, "model": "…", "ask": true}.')
    elif not all(isinstance(told.get(name, True), bool) for name in ("on", "ask")):
        yield Complaint(path, "Of the fallback, on and ask must be true or false.")
    elif wrong := fallback.complaint(told, str(model or "")):
        yield Complaint(path, wrong)


def parts(body: Body) -> list[Section]:
    """System and messages as texts, then what else is sent; what is off is not shown."""
    settings = body.get("settings")
    told: dict[str, Any] = settings if isinstance(settings, dict) else {}
    found = [Section("system", "System", str(told["system"]))] if told.get("system") else []
    messages = body.get("messages")
    for at, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, dict):
            word = "Model" if message.get("role") == "assistant" else "Person"
            found.append(
                Section(f"messages.{at}", f"{word} · message {at + 1}", str(message.get("text", "")))
            )
    return found + _shown_settings(told)


def _shown_settings(told: dict[str, Any]) -> list[Section]:
    family = FAMILIES.get(str(told.get("family")))
    model = " · ".join(
        word for word in (family.label if family else "", str(told.get("model") or "")) if word
    )
    params = {name: row.get("value") for name, row in _rows(told.get("params")) if row.get("on")}
    tools, schema = told.get("tools") or {}, told.get("schema") or {}
    found = [Section("model", "Model", model)] if model else []
    rows = (
        ("params", "Parameters", params),
        ("tools", "Tools", tools if isinstance(tools, dict) and tools.get("on") else None),
        ("caching", "Caching", {name: on for name, on in (told.get("caching") or {}).items() if on is True}),
    )
    found += [Section(key, title, _json(value), code=True) for key, title, value in rows if value]
    if isinstance(schema, dict) and schema.get("on"):
        about = f"{schema.get('name') or 'answer'}{', strict' if schema.get('strict', True) else ''}"
        found.append(Section("schema", f"Schema ({about})", _tidied(schema.get("text", "")), code=True))
    if told.get("extra"):
        found.append(Section("extra", "Extra fields", _tidied(str(told["extra"])), code=True))
    other = told.get("fallback")
    if isinstance(other, dict) and other.get("on"):
        found.append(Section("fallback", "Fallback", f"{other.get('model', '')}: {fallback.words(other)}."))
    if told.get("stream") is False:
        found.append(Section("stream", "Stream", "Off: the answer comes as a whole."))
    return found


def _rows(params: Any) -> list[tuple[str, dict[str, Any]]]:
    rows = params.items() if isinstance(params, dict) else ()
    return sorted((name, row) for name, row in rows if isinstance(row, dict))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def _tidied(text: str) -> str:
    """JSON the same way in every version, so that a diff shows what differs; anything else as it is."""
    try:
        return _json(json.loads(text))
    except (ValueError, RecursionError):
        return text


def render(body: Body, options: Mapping[str, Any], family: str) -> dict[str, Any]:
    """What a program sends for a filled body: {"method", "path", "headers", "body"}. `options`: "model" and
    "stream" in the place of what the version says. ValueError says why there is no request.
    """
    settings = _wanted(body, options, family)
    return _request(body, options, settings, settings["model"])


def render_fallback(body: Body, options: Mapping[str, Any], family: str) -> dict[str, Any] | None:
    """The fallback of a version beside its request: {"model", "ask", "request"}; None for none, and where it
    is the model itself.
    """
    settings = _wanted(body, options, family)
    told = fallback.sent(settings)
    return told and {**told, "request": _request(body, options, settings, told["model"])}


def _wanted(body: Body, options: Mapping[str, Any], family: str) -> dict[str, Any]:
    if family not in FAMILIES:
        raise ValueError(f"There is no family “{family}”; there are {', '.join(FAMILIES)}.")
    settings = _for_family({**EMPTY, **(body.get("settings") or {})}, family)
    settings["model"] = str(options.get("model") or settings["model"])
    if not settings["model"]:
        raise ValueError("This version names no model for this family. Name one.")
    if fallback.complaint(settings["fallback"], settings["model"]):
        # Named by the caller just now: a model is no fallback of its own.
        settings["fallback"] = fallback.OFF
    return settings


def _request(body: Body, options: Mapping[str, Any], settings: dict[str, Any], model: str) -> dict[str, Any]:
    family = settings["family"]
    sent = settings_form.sent(settings)
    sent["stream"] = bool(options.get("stream", sent["stream"]))
    history = [_turn(message) for message in body.get("messages") or []]
    # No file of a team can stand in a body: nothing is looked up for it.
    built = requests.assemble(uuid.UUID(int=0), history, family, model, sent)
    try:
        wire = FAMILIES[family].encode(built.request)
    except GatewayError as error:
        raise ValueError(error.message or error.about.sentence) from None
    headers = dict(wire.headers)
    return {
        "method": wire.method,
        "path": wire.path,
        "headers": headers,
        "body": json.loads(wire.body),
    }


def _for_family(settings: dict[str, Any], family: str) -> dict[str, Any]:
    """The settings as another family calls them; a model of the one is none of the other's."""
    before = settings.get("family") or family
    if before == family:
        return settings | {"family": family}
    params = settings_form.switched(settings.get("params") or {}, FAMILIES[before], FAMILIES[family], {})
    return settings | {"family": family, "params": params, "model": "", "fallback": fallback.OFF}


def _turn(message: Mapping[str, Any]) -> Turn:
    text = str(message.get("text") or "")
    role = Turn.Role.ASSISTANT if message.get("role") == "assistant" else Turn.Role.USER
    turn = Turn(role=role, text=text, parts=[{"kind": "text", "text": text}])
    # An unsaved turn has an id already and would be looked up by it.
    Turn._meta.get_field("run").set_cached_value(turn, None)
    return turn


def open_url(version: PromptVersion) -> str:
    """The page that asks for the values and begins a chat."""
    return reverse("chat:prompt", args=[version.pk])


def run(version: PromptVersion, values: Values, user: User, key: GatewayKey | None) -> str:
    try:
        made = prompts.run(version, values, user, key)
    except turns.Refused as error:
        raise ValueError(str(error)) from None
    return reverse("chat:show", args=[made.pk])


KIND = Kind(CHAT, "Chat", "message-square", check, open_url, parts, render, run, render_fallback, turns.room)
