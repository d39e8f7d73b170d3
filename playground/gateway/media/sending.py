"""From what a person filled in to a request: checks, files the way a route takes them, JSON bodies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from playground.gateway import exact
from playground.gateway.errors import GatewayError
from playground.gateway.media.dialect import is_id
from playground.gateway.media.operation import FileField, FileValue, Inputs
from playground.gateway.params import ParamSpec
from playground.gateway.request import WireRequest
from playground.gateway.wire.body import merged, nested

_NO_JSON = "A field has a value that JSON cannot carry."
_DATA_URL_HEAD = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)


def require(inputs: Inputs, fields: Iterable[ParamSpec], files: Iterable[FileField] = ()) -> None:
    """Raises GatewayError("invalid_request") with the first thing that is missing or too many."""
    for spec in fields:
        if spec.required and inputs.values.get(spec.name) in (None, "", []):
            raise refused(f"{spec.label} is missing.")
    for file_field in files:
        given = len(inputs.files.get(file_field.name, ()))
        if file_field.required and not given:
            raise refused(f"{file_field.label} is missing.")
        if given > file_field.many:
            raise refused(f"{file_field.label}: at most {file_field.many} can be sent.")


def refused(sentence: str) -> GatewayError:
    """The request is not fit to be sent: nothing went out."""
    return GatewayError("invalid_request", sentence, code="not_sent")


def body_of(inputs: Inputs, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """The values as the objects their dotted names stand for, but for those the route writes itself."""
    left_out = frozenset(without)
    return nested({name: value for name, value in inputs.values.items() if name not in left_out})


def post_json(
    path: str, body: Mapping[str, Any], inputs: Inputs, *, headers: Mapping[str, str] | None = None
) -> WireRequest:
    """The request with the person's own JSON merged in, last."""
    try:
        text = exact.dumps(merged(body, inputs.extra))
    except (ValueError, TypeError, RecursionError):
        raise refused(_NO_JSON) from None
    head = {"content-type": "application/json", "accept": "application/json", **(headers or {})}
    # A lone surrogate has no UTF-8 form; one odd character must not cost the whole request.
    return WireRequest("POST", path, text.encode("utf-8", "replace"), head)


def query_of(path: str, upstream_id: str) -> WireRequest:
    """The question how a task stands; the id takes the place of `{id}`."""
    return WireRequest("GET", with_id(path, upstream_id), headers={"accept": "application/json"})


def with_id(path: str, upstream_id: str) -> str:
    if not is_id(upstream_id):
        raise refused("The id of this task cannot be asked for.")
    return path.replace("{id}", quote(upstream_id, safe=""))


def files_of(inputs: Inputs, name: str) -> tuple[FileValue, ...]:
    return inputs.files.get(name, ())


def file_of(inputs: Inputs, name: str) -> FileValue | None:
    return next(iter(files_of(inputs, name)), None)


def as_address(file: FileValue) -> str:
    """The file's address, or all of it as a data URL."""
    if file.url:
        return file.url
    return f"data:{file.media_type or 'application/octet-stream'};base64,{_data(file)}"


def as_base64(file: FileValue) -> str:
    """The file's address, or bare base64: a route that takes this refuses the head of a data URL."""
    head = _DATA_URL_HEAD.match(file.url)
    if head is not None:
        return file.url[head.end() :]
    return file.url or _data(file)


def as_url(file: FileValue) -> str:
    """The file's address; the route takes nothing else."""
    if not file.url:
        raise refused("This route takes files by a public address only.")
    return file.url


def _data(file: FileValue) -> str:
    if not file.data_b64:
        raise refused("A file is empty.")
    return file.data_b64
