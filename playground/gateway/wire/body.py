"""What the families' encoders share: nested parameters, the free extra fields, the finished request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.gateway import errors, exact
from playground.gateway.request import AuthStyle, ChatRequest, WireRequest

_NO_JSON = "A parameter has a value that JSON cannot carry."


def nested(params: Mapping[str, Any], *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Parameters by dotted name as the objects they stand for; those whose first name is in `without`
    are left out, as the encoder writes them itself.
    """
    body: dict[str, Any] = {}
    for name, value in params.items():
        *outer, last = name.split(".")
        if (outer or [last])[0] in without:
            continue
        at = body
        for step in outer:
            if not isinstance(at.get(step), dict):
                at[step] = {}
            at = at[step]
        at[last] = value
    return body


def merged(body: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`extra` on top of `body`, object by object; anything else replaces."""
    out = dict(body)
    for name, value in extra.items():
        here = out.get(name)
        both = isinstance(here, Mapping) and isinstance(value, Mapping)
        out[name] = merged(here, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return out


def post(
    path: str,
    body: Mapping[str, Any],
    request: ChatRequest,
    *,
    auth: AuthStyle = "bearer",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> WireRequest:
    """The request with `extra` merged in. Raises GatewayError("invalid_request") if it has no JSON form."""
    try:
        text = exact.dumps(merged(body, request.extra))
    except (ValueError, TypeError, RecursionError):
        raise errors.GatewayError("invalid_request", _NO_JSON) from None
    return WireRequest(
        "POST",
        path,
        # A lone surrogate has no UTF-8 form; one odd character must not cost the whole message.
        text.encode("utf-8", "replace"),
        {
            "content-type": "application/json",
            "accept": "text/event-stream" if request.stream else "application/json",
            **(headers or {}),
        },
        dict(query or {}),
        auth,
        request.stream,
    )


def arguments_object(source: str) -> dict[str, Any]:
    """The arguments of a past call for a family that wants an object: what is none goes under one name."""
    try:
        value = exact.loads(source or "{}")
    except (ValueError, RecursionError):
        value = source
    return value if isinstance(value, dict) else {"unreadable": value}
