"""What each Suno route takes and refuses (contract 13.2), in the words of the provider's own refusals."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playground.demo.exchange import Refused

# Nothing in an address may reach into the head of the request that goes there.
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
MODELS = ("V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5")

Body = dict[str, Any]


class NotTaken(Refused):
    """A refusal in Suno's shape: HTTP 200 with another code; `task_id` names a task that exists already."""

    def __init__(self, code: int, message: str, *, task_id: str | None = None) -> None:
        super().__init__(200, message)
        self._code = code
        self._task_id = task_id

    def body(self) -> Body:
        data = {"taskId": self._task_id} if self._task_id else None
        return {"code": self._code, "msg": self.message, "data": data}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `kind` is text, flag, number or address; `longest` counts characters."""

    name: str
    kind: str
    required: bool = False
    options: tuple[str, ...] = ()
    longest: int = 0
    low: float = 0
    high: float = 1_000_000


@dataclass(frozen=True, slots=True)
class Route:
    """One way to ask for something. `query` is the kind that tells how it stands, "" where the answer comes
    at once; `type` the word a song task has there.
    """

    action: str
    query: str
    fields: tuple[Field, ...]
    type: str = ""
    check: Callable[[Body], None] | None = None

    def takes(self, name: str) -> bool:
        return any(field.name == name for field in self.fields)


def read(route: Route, body: Body) -> None:
    """Refuse a body that lacks something or has it wrong."""
    for field in route.fields:
        _check(field, body.get(field.name))
    if route.check:
        route.check(body)


def _check(field: Field, value: object) -> None:
    if value is None or value == "":
        if field.required:
            raise NotTaken(400, f"Please enter {field.name}")
        return
    _KINDS[field.kind](field, value)


def _text(field: Field, value: object) -> None:
    if not isinstance(value, str):
        raise NotTaken(400, f"{field.name} must be a string")
    if field.options and value not in field.options and not (field.name == "model" and _is_wish(value)):
        raise NotTaken(400, f"{field.name} must be one of: {', '.join(field.options)}")
    if field.longest:
        at_most(field.name, value, field.longest)


def _flag(field: Field, value: object) -> None:
    if not isinstance(value, bool):
        raise NotTaken(400, f"{field.name} must be true or false")


def _number(field: Field, value: object) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not field.low <= value <= field.high:
        raise NotTaken(400, f"{field.name} must be a number from {field.low:g} to {field.high:g}")


def _address(field: Field, value: object) -> None:
    if not isinstance(value, str) or not _is_web(value):
        raise NotTaken(400, f"{field.name} must be an http or https address")


_KINDS: dict[str, Callable[[Field, object], None]] = {
    "text": _text,
    "flag": _flag,
    "number": _number,
    "address": _address,
}


def at_most(name: str, value: str, longest: int) -> None:
    if len(value) > longest:
        raise NotTaken(413, f"The {name} is too long, at most {longest} characters")


def _is_wish(value: str) -> bool:
    """Model names such as demo-callback-twice ask the demo for something."""
    return value.startswith("demo-")


def _is_web(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return (
            parts.scheme in ("http", "https")
            and bool(_HOST.fullmatch(parts.hostname or ""))
            and parts.port != 0
        )
    except ValueError:
        return False


def _need(body: Body, *names: str) -> None:
    for name in names:
        if body.get(name) in (None, ""):
            raise NotTaken(400, f"Please enter {name}")


def _lengths(body: Body, prompt: int) -> None:
    style = 200 if body.get("model") == "V4" else 1_000
    for name, longest in (("prompt", prompt), ("style", style), ("title", 80)):
        at_most(name, body.get(name) or "", longest)


def _own_words(body: Body) -> int:
    return 3_000 if body.get("model") == "V4" else 5_000


def _song(body: Body) -> None:
    if not body["customMode"]:
        _need(body, "prompt")
        _lengths(body, 500)
        return
    _need(body, "style", "title", *(() if body["instrumental"] else ("prompt",)))
    _lengths(body, _own_words(body))


def _going_on(body: Body) -> None:
    if body["defaultParamFlag"]:
        _need(body, "style", "title", "continueAt", *(() if body.get("instrumental") else ("prompt",)))
    _lengths(body, _own_words(body))


def _section(body: Body) -> None:
    if not 6 <= body["infillEndS"] - body["infillStartS"] <= 60:
        raise NotTaken(400, "infillEndS must be 6 to 60 seconds after infillStartS")
    _lengths(body, _own_words(body))


def _persona(body: Body) -> None:
    start, end = body.get("vocalStart"), body.get("vocalEnd")
    if start is not None and end is not None and not 10 <= end - start <= 30:
        raise NotTaken(400, "vocalEnd must be 10 to 30 seconds after vocalStart")


def _texts(*names: str, required: bool = False) -> tuple[Field, ...]:
    return tuple(Field(name, "text", required) for name in names)


_MODEL = Field("model", "text", True, MODELS)
_CALLBACK = Field("callBackUrl", "address", True)
_UPLOAD = Field("uploadUrl", "address", True)
_SHARES = tuple(
    Field(name, "number", high=1) for name in ("styleWeight", "weirdnessConstraint", "audioWeight")
)
_GENDER = Field("vocalGender", "text", options=("m", "f"))
_WORDS = _texts("prompt", "style", "title")
_VOICE = (*_texts("negativeTags", "personaId"), _GENDER, *_SHARES)
_MODE = (Field("customMode", "flag", True), Field("instrumental", "flag", True))
_GO_ON = (
    Field("defaultParamFlag", "flag", True),
    Field("instrumental", "flag"),
    Field("continueAt", "number"),
)
_TRACK = _texts("taskId", "audioId", required=True)
_SIGNED = (Field("author", "text", longest=50), Field("domainName", "text", longest=50))
_STEMS = (*_TRACK, Field("type", "text", True, ("separate_vocal", "split_stem")), _CALLBACK)
_SECTION = (Field("infillStartS", "number", True), Field("infillEndS", "number", True))

ROUTES: dict[str, Route] = {
    route.action: route
    for route in (
        Route("generate", "task", (*_MODE, _MODEL, _CALLBACK, *_WORDS, *_VOICE), "GENERATE", _song),
        Route(
            "extend",
            "task",
            (*_texts("audioId", required=True), *_GO_ON, _MODEL, _CALLBACK, *_WORDS, *_VOICE),
            "EXTEND",
            _going_on,
        ),
        Route(
            "upload-cover",
            "task",
            (_UPLOAD, *_MODE, _MODEL, _CALLBACK, *_WORDS, *_VOICE),
            "UPLOAD_COVER",
            _song,
        ),
        Route(
            "upload-extend",
            "task",
            (_UPLOAD, *_GO_ON, _MODEL, _CALLBACK, *_WORDS, *_VOICE),
            "UPLOAD_EXTEND",
            _going_on,
        ),
        Route(
            "add-vocals",
            "task",
            (
                _UPLOAD,
                *_texts("prompt", "style", "title", "negativeTags", required=True),
                _MODEL,
                _CALLBACK,
                _GENDER,
                *_SHARES,
            ),
            "ADD_VOCALS",
            lambda body: _lengths(body, _own_words(body)),
        ),
        Route(
            "add-instrumental",
            "task",
            (
                _UPLOAD,
                *_texts("tags", "title", "negativeTags", required=True),
                _MODEL,
                _CALLBACK,
                _GENDER,
                *_SHARES,
            ),
            "ADD_INSTRUMENTAL",
        ),
        Route(
            "replace-section",
            "task",
            (
                *_TRACK,
                *_texts("prompt", "tags", "title", required=True),
                *_SECTION,
                *_texts("negativeTags", "fullLyrics"),
                Field("callBackUrl", "address"),
            ),
            "REPLACE_SECTION",
            _section,
        ),
        Route("generate-lyrics", "lyrics", (Field("prompt", "text", True, longest=1_500), _CALLBACK)),
        Route("timestamped-lyrics", "", _TRACK),
        Route("style-generate", "", (Field("content", "text", True, longest=1_000),)),
        Route(
            "generate-persona",
            "",
            (
                *_TRACK,
                *_texts("name", "description", required=True),
                Field("vocalStart", "number"),
                Field("vocalEnd", "number"),
            ),
            check=_persona,
        ),
        Route("generate-cover", "cover", (*_texts("taskId", required=True), _CALLBACK)),
        Route("vocal-removal", "vocal-removal", _STEMS),
        Route("split-stem", "vocal-removal", _STEMS),
        Route("wav-generate", "wav", (*_TRACK, _CALLBACK)),
        Route(
            "mp4-generate",
            "mp4",
            (*_TRACK, *_SIGNED, _CALLBACK),
        ),
    )
}
