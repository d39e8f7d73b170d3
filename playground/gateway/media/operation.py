"""One media route as data: its fields make the form, its functions speak to the gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from playground.gateway.errors import GatewayError
from playground.gateway.media.observation import Observation, Submitted
from playground.gateway.params import ParamSpec
from playground.gateway.request import WireRequest

Medium = Literal["image", "video", "music", "speech", "text"]
FileKind = Literal["image", "audio", "video"]
# How a route takes a file: an address the provider fetches, a data URL, bare base64, or a multipart upload.
FileForm = Literal["url", "data_url", "base64", "multipart"]


@dataclass(frozen=True, slots=True)
class FileField:
    """A file of the form. `forms` are the ways the route takes it, the best first; at most `many` of them."""

    name: str
    kind: FileKind
    label: str
    help: str
    forms: tuple[FileForm, ...] = ("url",)
    required: bool = False
    many: int = 1
    max_bytes: int = 10 * 1024 * 1024
    source: str = ""


@dataclass(frozen=True, slots=True)
class FileValue:
    """A file as it is sent: by `url` or by `data_b64` with its type; `name` for multipart uploads."""

    url: str = ""
    media_type: str = ""
    data_b64: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a person filled in: values by field name (an absent one is not sent), files by field name, the
    source task's ids for operations on an earlier result, an address for callbacks, an id of ours, and
    fields to merge into the finished body.
    """

    values: Mapping[str, Any]
    files: Mapping[str, tuple[FileValue, ...]] = field(default_factory=dict)
    callback_url: str = ""
    own_id: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pace:
    """When to look: first after `first_s`, then ever later up to `ceiling_s`, until `deadline_s` is over."""

    first_s: float = 5
    ceiling_s: float = 30
    deadline_s: float = 3600


@dataclass(frozen=True, slots=True)
class Operation:
    """One route.

    `create(inputs)` gives the request; `read_created(body, content_type)` reads its answer: a task that
    was taken, or at once what came of it. A refusal inside a 200 raises GatewayError. `query(upstream_id)`
    asks for the state, `read_state(body)` reads it; None for routes without tasks. `model_field` names the
    field that holds the model ("" when there is none). `after` lists operations that take this one's
    result, `takes_result` says which of their fields the result fills: {"taskId": "task", "audioId":
    "output"}, where "output" stands for the `meta["id"]` of the chosen output. `slow`: made by the worker
    although the route answers in one go. `fallback_query` is asked when `query` knows no such task;
    `read_state` reads its answer too. `callback_hint(body)` gives the stage and the id that a callback
    claims, for the timeline only; it never raises. `callback_field`: the field that takes an address for
    callbacks, "" if there is none; unless `callback_by_default`, the site has to ask for it by name.
    `read_refused(error)` is for families whose answers other than 2xx mean something of their own: a task
    that exists already, or the error as the family means it. For routes without tasks `pace.deadline_s` is
    how long the answer may take. `declared`: by an admin of a team, who may have mistaken the route.
    """

    key: str
    family: str
    label: str
    about: str
    medium: Medium
    fields: tuple[ParamSpec, ...]
    create: Callable[[Inputs], WireRequest]
    read_created: Callable[[bytes, str], Submitted | Observation]
    query: Callable[[str], WireRequest] | None = None
    read_state: Callable[[bytes], Observation] | None = None
    fallback_query: Callable[[str], WireRequest] | None = None
    files: tuple[FileField, ...] = ()
    basic: tuple[str, ...] = ()
    model_field: str = "model"
    models: tuple[str, ...] = ()
    pace: Pace = Pace()
    read_refused: Callable[[GatewayError], Submitted | GatewayError] | None = None
    callback_field: str = ""
    callback_by_default: bool = True
    callback_hint: Callable[[bytes], tuple[str, str]] | None = None
    carries_own_id: bool = False
    after: tuple[str, ...] = ()
    takes_result: Mapping[str, str] = field(default_factory=dict)
    slow: bool = True
    declared: bool = False
    source: str = ""

    def spec(self, name: str) -> ParamSpec | None:
        return next((spec for spec in self.fields if spec.name == name), None)
