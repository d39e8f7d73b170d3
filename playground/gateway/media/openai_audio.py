"""Speech to text: an upload goes up, a text comes back (contract section 8)."""

from __future__ import annotations

from functools import partial
from typing import Any

from playground.gateway.assembly import storable
from playground.gateway.errors import GatewayError
from playground.gateway.media import answers, fields, multipart, paths, sending
from playground.gateway.media.observation import Observation, Output
from playground.gateway.media.operation import FileField, Inputs, Operation
from playground.gateway.params import ParamSpec
from playground.gateway.request import WireRequest

_ANYINT = "AnyInt: OpenAI Extended Endpoints"
_OPENAI = "upstream: OpenAI audio"
PREFIX = "/openai/v1/audio"
_MISSING = "The gateway answered without a text."
_SILENCE = "The model heard nothing said in this recording."


def _create(route: str, inputs: Inputs) -> WireRequest:
    sending.require(inputs, _FIELDS[route], _FILES)
    upload = sending.files_of(inputs, "file")[0]
    values = {name: value for name, value in inputs.values.items() if value is not None}
    return multipart.post_form(f"{PREFIX}/{route}", values, {"file": upload}, inputs)


def _read(body: bytes, content_type: str) -> Observation:
    """`{text}`, with more beside it when asked for, or the bare text, SRT or VTT."""
    try:
        answer = answers.parsed(body)
    except GatewayError:
        if "json" in content_type or "html" in content_type:
            raise
        return _bare(body)
    if not isinstance(answer, dict):
        # A spoken number or word in quotes is JSON too.
        return _bare(body)
    if (refused := answers.refusal(answer)) is not None:
        raise refused
    return _told(body, answer)


def _bare(body: bytes) -> Observation:
    text = storable(body.decode("utf-8", "replace")).strip("\ufeff\r\n")
    made = (Output("text:0", "text", text=text, media_type="text/plain"),) if text.strip() else ()
    return answers.made(made, _MISSING)


def _told(body: bytes, answer: dict[str, Any]) -> Observation:
    text = answer.get("text")
    if not isinstance(text, str) or not text.strip():
        return answers.made((), _MISSING if text is None else _SILENCE, answer)
    meta = answers.picked(answer, ("language", "duration"))
    made = [Output("text:0", "text", text=storable(text), media_type="text/plain", meta=meta)]
    if isinstance(answer.get("segments"), list) or isinstance(answer.get("words"), list):
        source = storable(body.decode("utf-8", "replace"))
        made.append(Output("data:0", "data", text=source, media_type="application/json"))
    return answers.made(tuple(made), _MISSING, answer, usage=paths.first(answer, "usage"))


_LANGUAGE = ParamSpec(
    "language",
    "text",
    "Language",
    "What is spoken, as a code such as en; the model finds it out by itself otherwise.",
    maximum=20,
    source=_OPENAI,
)
_SHARED = (
    ParamSpec(
        "prompt",
        "text",
        "Prompt",
        "Names and words that occur, or the text that came before.",
        maximum=2000,
        source=_OPENAI,
    ),
    ParamSpec(
        "response_format",
        "choice",
        "Answer as",
        "Which are taken depends on the model; verbose_json has times, srt and vtt are subtitles.",
        default="json",
        choices=("json", "text", "srt", "verbose_json", "vtt"),
        source=_OPENAI,
    ),
    ParamSpec(
        "temperature",
        "float",
        "Temperature",
        "0 is the most predictable.",
        default=0,
        minimum=0,
        maximum=1,
        step=0.1,
        source=_OPENAI,
    ),
)
_FIELDS = {
    "transcriptions": (fields.model(_ANYINT), _LANGUAGE, *_SHARED),
    "translations": (fields.model(_ANYINT), *_SHARED),
}
_FILES = (
    FileField(
        "file",
        "audio",
        "Recording",
        "MP3, MP4, M4A, WAV, WebM, Ogg or FLAC, at most 25 MB.",
        forms=("multipart",),
        required=True,
        max_bytes=25 * 1024 * 1024,
        source=_OPENAI,
    ),
)


def _operation(key: str, route: str, label: str, about: str) -> Operation:
    return Operation(
        key=key,
        family="openai",
        label=label,
        about=about,
        medium="speech",
        fields=_FIELDS[route],
        create=partial(_create, route),
        read_created=_read,
        files=_FILES,
        basic=("model", "language") if route == "transcriptions" else ("model",),
        pace=fields.SYNC_PACE,
        source="contract 8",
    )


OPERATIONS = (
    _operation("openai.transcription", "transcriptions", "Transcription", "Writes down what is said."),
    _operation(
        "openai.translation", "translations", "Translation", "Writes down in English what is said otherwise."
    ),
)
