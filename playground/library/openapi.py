"""The API of the library as OpenAPI 3.1: what `api` answers, said once for machines. Pure."""

from __future__ import annotations

from typing import Any

from playground.library.kinds import KEYS
from playground.library.variables import TYPES

FAMILIES = ("openai_chat", "openai_responses", "anthropic", "gemini")
Schema = dict[str, Any]


def describe(server: str) -> Schema:
    """The whole description; `server` is the address of this site without a slash at the end."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AnyInt Playground: prompts",
            "version": "1",
            "description": "Fetch prompts by label, and turn them into requests. Every answer but this "
            "description needs an API token, and is an object; an error is always {error: {code, message}}.",
        },
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": {
            "/api/v1/prompts": {"get": _list()},
            "/api/v1/prompts/{slug}": {"get": _one()},
            "/api/v1/prompts/{slug}/render": {"post": _render()},
            "/api/v1/openapi.json": {"get": _self()},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": SCHEMAS,
            "responses": {name: _error(text) for name, text in ERRORS.items()},
        },
    }


ERRORS = {
    "BadRequest": "A parameter or the body is not of its shape.",
    "Unauthorized": "There is no live token.",
    "Forbidden": "The token lacks the scope, or its person the right.",
    "NotFound": "There is no such prompt, version or label, or not for this token.",
    "TooLarge": "The body is too large.",
    "Unfit": "Values are missing or wrong (`fields` says which), or there is no such request.",
    "RateLimited": "Too many requests: wait as long as Retry-After says.",
}
_STATUS = {
    "400": "BadRequest", "401": "Unauthorized", "403": "Forbidden", "404": "NotFound",
    "413": "TooLarge", "422": "Unfit", "429": "RateLimited",
}  # fmt: skip


def _text(about: str = "") -> Schema:
    return {"type": "string", "description": about} if about else {"type": "string"}


def _object(needed: list[str], /, **properties: Schema) -> Schema:
    return {"type": "object", "required": needed, "properties": properties}


def _list_of(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_TIME: Schema = {"type": "string", "format": "date-time"}
_NUMBER: Schema = {"type": "integer", "minimum": 1}
_NAMED: dict[str, Schema] = {
    "slug": _text("Its name in code; an old one goes on working."),
    "title": _text(),
    "about": _text(),
    "kind": {"type": "string", "enum": list(KEYS)},
    "tags": _list_of(_text()),
}
_REQUEST: dict[str, Schema] = {
    "method": _text(),
    "path": _text("Behind the address of the gateway."),
    "headers": {"type": "object", "additionalProperties": _text()},
    "body": {"type": "object"},
}
SCHEMAS: dict[str, Schema] = {
    "PromptSummary": _object(
        [*_NAMED, "latest", "labels", "updated_at", "archived"],
        **_NAMED,
        latest={"type": ["integer", "null"], "description": "The number of the newest version."},
        labels={"type": "object", "additionalProperties": _NUMBER, "description": "Version by label."},
        updated_at=_TIME,
        archived={"type": "boolean"},
    ),
    "PromptPage": _object(
        ["prompts", "next"],
        prompts=_list_of(_ref("PromptSummary")),
        next={"type": ["string", "null"], "description": "The address of the next page."},
    ),
    "Variable": _object(
        ["name", "type", "required"],
        name=_text(),
        type={"type": "string", "enum": list(TYPES)},
        label=_text(),
        required={"type": "boolean"},
        default={"description": "What goes in when no value is given."},
        help=_text(),
        choices=_list_of(_text()),
    ),
    "PromptVersion": _object(
        [*_NAMED, "version", "labels", "digest", "variables", "body"],
        **_NAMED,
        version=_NUMBER,
        labels=_list_of(_text("A label that points at this version.")),
        note=_text(),
        author=_text(),
        created_at=_TIME,
        digest=_text("SHA-256 of the body as canonical JSON."),
        variables=_list_of(_ref("Variable")),
        body={"type": "object", "description": "Messages and settings, or operation and values."},
    ),
    "RenderRequest": {
        **_object(
            [],
            values={"type": "object", "description": "Values by name of the variable."},
            family={"type": "string", "enum": list(FAMILIES), "description": "The version's own without."},
            model=_text("In the place of the version's model."),
            stream={"type": "boolean"},
            label=_text("The version this label points at; not together with `version`."),
            version=_NUMBER,
        ),
        "additionalProperties": False,
    },
    "Rendered": _object(
        ["slug", "version", "family", "request", "used"],
        slug=_text(),
        version=_NUMBER,
        family={"type": ["string", "null"]},
        request={
            "type": ["object", "null"],
            "description": "What to send to the gateway, without the key; null for a kind of the studio.",
            "properties": _REQUEST,
        },
        fallback={
            "type": ["object", "null"],
            "description": "What to send after a passing fault of the model (5xx, no answer in time, "
            "no connection) before the first byte of an answer; with `ask` a person is asked first.",
            "properties": {
                "model": _text(),
                "ask": {"type": "boolean"},
                "request": {"type": "object", "properties": _REQUEST},
            },
        },
        filled={"type": "object", "description": "The filled body, for a kind of the studio."},
        used=_list_of(_object(["slug", "version"], slug=_text(), version=_NUMBER)),
    ),
    "Error": _object(
        ["error"],
        error=_object(
            ["code", "message"],
            code=_text("A word for programs."),
            message=_text("A sentence for people."),
            fields={"type": "object", "additionalProperties": _text(), "description": "By field."},
        ),
    ),
}


def _error(text: str) -> Schema:
    told: Schema = {"description": text, "content": {"application/json": {"schema": _ref("Error")}}}
    if text == ERRORS["RateLimited"]:
        told["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return told


def _errors(*statuses: str) -> Schema:
    return {status: {"$ref": f"#/components/responses/{_STATUS[status]}"} for status in statuses}


def _good(schema: Schema, *, tagged: bool = True) -> Schema:
    told: Schema = {"description": "Done.", "content": {"application/json": {"schema": schema}}}
    if tagged:
        told["headers"] = {"ETag": {"description": "Send it as If-None-Match.", "schema": _text()}}
    return told


def _query(name: str, schema: Schema, about: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": about}


_SLUG: Schema = {"name": "slug", "in": "path", "required": True, "schema": {"type": "string"}}
_UNCHANGED: Schema = {"description": "It is still what If-None-Match names."}


def _list() -> Schema:
    parameters = [
        _query("kind", {"type": "string", "enum": list(KEYS)}, "Only this kind."),
        _query("tag", _text(), "Only with this tag."),
        _query("label", _text(), "Only with a version under this label."),
        _query("archived", {"type": "string"}, "Those in the archive, too."),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "How many."),
        _query("after", _text(), "Those behind this slug; `next` carries it."),
    ]
    answers = {"200": _good(_ref("PromptPage")), "304": _UNCHANGED} | _errors("400", "401", "403", "429")
    return {
        "operationId": "listPrompts",
        "summary": "The prompts the token sees, by slug (scope prompts:read)",
        "parameters": parameters,
        "responses": answers,
    }


def _one() -> Schema:
    parameters = [
        _SLUG,
        _query("label", _text(), "The version this label points at, such as production."),
        _query("version", _NUMBER, "The version of this number."),
    ]
    answers = {"200": _good(_ref("PromptVersion")), "304": _UNCHANGED}
    return {
        "operationId": "getPrompt",
        "summary": "One version; the newest without label and version (scope prompts:read)",
        "parameters": parameters,
        "responses": answers | _errors("400", "401", "403", "404", "429"),
    }


def _render() -> Schema:
    answers = {"200": _good(_ref("Rendered"), tagged=False)}
    return {
        "operationId": "renderPrompt",
        "summary": "The request of a family for these values (scope prompts:run)",
        "parameters": [_SLUG],
        "requestBody": {"content": {"application/json": {"schema": _ref("RenderRequest")}}},
        "responses": answers | _errors("400", "401", "403", "404", "413", "422", "429"),
    }


def _self() -> Schema:
    return {
        "operationId": "getDescription",
        "summary": "This description",
        "security": [],
        "responses": {"200": _good({"type": "object"}), "304": _UNCHANGED},
    }
