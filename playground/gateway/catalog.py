"""The Models API: what a key can see (contract section 5)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from playground.gateway import errors
from playground.gateway.assembly import storable
from playground.gateway.request import WireRequest
from playground.gateway.wire import FAMILIES

PAGE_SIZE = 1000
# A list that never ends is cut here: no key sees this many.
MOST_MODELS = 20_000
MOST_PAGES = 200
LONGEST_ID = 255
# A moment outside of these has no form in one or another zone, or in the database.
_YEARS = range(1970, 9999)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One row. `name` is a label only; `model_id` is what to send, exactly."""

    model_id: str
    name: str
    created_at: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """`next_after` is the cursor of the next page; None on the last."""

    models: tuple[ModelInfo, ...]
    next_after: str | None = None


def list_request(family: str, after_id: str | None = None) -> WireRequest:
    """The request for one page, for the transport."""
    spoken = FAMILIES[family]
    query = {"limit": str(PAGE_SIZE)} | ({"after_id": after_id} if after_id else {})
    headers = {"accept": "application/json", **spoken.headers}
    return WireRequest("GET", spoken.models_path, headers=headers, query=query, auth=spoken.auth)


def decode_page(body: bytes) -> Page:
    """A page in the Anthropic or the classic list shape; rows that make no sense are left out.

    Raises GatewayError: what the body says if it is an error, else "protocol".
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise errors.GatewayError("protocol", "The list of models is not JSON.", code="bad_json") from None
    if isinstance(parsed, dict) and parsed.get("error"):
        raise errors.from_error_object(parsed)
    rows = parsed.get("data") if isinstance(parsed, dict) else parsed
    if not isinstance(rows, list):
        raise errors.GatewayError("protocol", "The answer holds no list of models.", code="no_list")
    models: dict[str, ModelInfo] = {}
    for model in filter(None, map(_model, rows)):
        models.setdefault(model.model_id, model)
    return Page(tuple(models.values()), _next_after(parsed, rows))


def paging(family: str) -> Generator[WireRequest, bytes, tuple[ModelInfo, ...]]:
    """All pages without I/O: yields requests, is sent bodies, returns every model once.

    Ends when `has_more` is false, a page brings no new id, or after `MOST_PAGES`.
    """
    models: dict[str, ModelInfo] = {}
    after: str | None = None
    for _ in range(MOST_PAGES):
        page = decode_page((yield list_request(family, after)))
        known = len(models)
        for model in page.models:
            models.setdefault(model.model_id, model)
        after = page.next_after
        if after is None or len(models) == known or len(models) >= MOST_MODELS:
            break
    return tuple(models.values())[:MOST_MODELS]


def list_models(family: str, send: Callable[[WireRequest], bytes]) -> tuple[ModelInfo, ...]:
    """Every model the key behind `send` can see. Raises GatewayError."""
    pages = paging(family)
    request = next(pages)
    while True:
        body = send(request)
        try:
            request = pages.send(body)
        except StopIteration as done:
            models: tuple[ModelInfo, ...] = done.value
            return models


def _model(row: Any) -> ModelInfo | None:
    model_id = row.get("id") if isinstance(row, dict) else None
    if not isinstance(model_id, str) or not 0 < len(model_id) <= LONGEST_ID or _unfit(model_id):
        return None
    label = row.get("display_name")
    name = " ".join(_CONTROL.sub(" ", storable(label[:LONGEST_ID])).split()) if isinstance(label, str) else ""
    raw = {key: row[key] for key in row if key != "display_name"}
    return ModelInfo(
        model_id, name or model_id, _created_at(row), _storable_json(raw) | {"display_name": name}
    )


def _unfit(model_id: str) -> bool:
    """An id that could not be sent back as it is."""
    return storable(model_id) != model_id or bool(_CONTROL.search(model_id)) or model_id.strip() != model_id


def _storable_json(raw: dict[str, Any]) -> dict[str, Any]:
    """The row as a JSON column takes it; one that is too big or too odd is left out, the id says enough."""
    try:
        text = json.dumps(raw, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return {}
    if len(text) > 4000 or storable(text) != text or "\\u0000" in text:
        return {}
    return raw


def _created_at(row: Mapping[str, Any]) -> datetime | None:
    stamp, created = row.get("created_at"), row.get("created")
    seconds = stamp if created is None else created
    try:
        if isinstance(stamp, str):
            moment = datetime.fromisoformat(stamp)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        elif isinstance(seconds, (int, float)) and not isinstance(seconds, bool):
            moment = datetime.fromtimestamp(seconds, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.year in _YEARS else None


def _next_after(parsed: Any, rows: list[Any]) -> str | None:
    if not isinstance(parsed, dict) or parsed.get("has_more") is not True:
        return None
    last = rows[-1].get("id") if rows and isinstance(rows[-1], dict) else None
    cursor = parsed.get("last_id") or last
    return cursor if isinstance(cursor, str) and cursor else None
