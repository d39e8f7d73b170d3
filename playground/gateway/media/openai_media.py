"""The OpenAI-style routes that answer in one go: images, speech, embeddings, moderations (contract 8).

Transcription and translation, which take an upload, are in `openai_audio`.
"""

from __future__ import annotations

import base64
from typing import Any

from playground.gateway.assembly import storable
from playground.gateway.media import answers, fields, outputs, paths, sending
from playground.gateway.media.observation import Observation, Output
from playground.gateway.media.operation import Inputs, Operation
from playground.gateway.media.outputs import Harvest
from playground.gateway.params import ParamSpec
from playground.gateway.request import WireRequest

_ANYINT = "AnyInt: OpenAI Extended Endpoints"
_OPENAI = "upstream: OpenAI"
PREFIX = "/openai/v1"
_PICTURES = (
    Harvest("data[*].url", "image", beside=("revised_prompt",)),
    Harvest("data[*].b64_json", "image", base64=True, beside=("revised_prompt",)),
)
_SOUND_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
# How these formats begin; the type of the answer is often no more than "binary".
_BEGINNINGS = (
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"RIFF", "audio/wav"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
)


def _create_image(inputs: Inputs) -> WireRequest:
    sending.require(inputs, IMAGE.fields)
    return sending.post_json(f"{PREFIX}/images/generations", sending.body_of(inputs), inputs)


def _read_image(body: bytes, content_type: str) -> Observation:
    answer = _answer(body)
    found = outputs.gathered(answer, _PICTURES)
    usage = paths.first(answer, "usage")
    return answers.made(found, "The gateway answered without an image.", answer, usage=usage)


def _create_speech(inputs: Inputs) -> WireRequest:
    sending.require(inputs, SPEECH.fields)
    return sending.post_json(
        f"{PREFIX}/audio/speech", sending.body_of(inputs), inputs, headers={"accept": "*/*"}
    )


def _read_speech(body: bytes, content_type: str) -> Observation:
    """Audio bytes; an answer that is text instead can only be an error."""
    sort = content_type.partition(";")[0].strip().lower()
    if sort == "application/json" or sort.startswith("text/"):
        raise answers.unreadable(_answer(body), "The gateway answered with text, not sound.", "not_audio")
    told = sort if sort.startswith("audio/") else ""
    data = base64.b64encode(body).decode()
    made = Output("audio:0", "audio", data_b64=data, media_type=told or _sound_type(body)) if body else None
    return answers.made((made,) if made else (), "The gateway answered without sound.")


def _sound_type(body: bytes) -> str:
    return next((media_type for begin, media_type in _BEGINNINGS if body.startswith(begin)), "")


def _create_embeddings(inputs: Inputs) -> WireRequest:
    sending.require(inputs, EMBEDDINGS.fields)
    return sending.post_json(f"{PREFIX}/embeddings", sending.body_of(inputs), inputs)


def _read_embeddings(body: bytes, content_type: str) -> Observation:
    answer = _answer(body)
    vectors = list(paths.found(answer, "data[*].embedding"))
    meta: dict[str, Any] = {"vectors": len(vectors), **answers.picked(answer, ("model",))}
    if vectors and isinstance(vectors[0][0], list):
        meta["dimensions"] = len(vectors[0][0])
    return _data(body, answer, meta, missing="" if vectors else "The gateway answered without a vector.")


def _create_moderation(inputs: Inputs) -> WireRequest:
    sending.require(inputs, MODERATION.fields)
    return sending.post_json(f"{PREFIX}/moderations", sending.body_of(inputs), inputs)


def _read_moderation(body: bytes, content_type: str) -> Observation:
    answer = _answer(body)
    flags = [value for value, _ in paths.found(answer, "results[*].flagged") if isinstance(value, bool)]
    meta = {"flagged": any(flags), **answers.picked(answer, ("model",))}
    return _data(body, answer, meta, missing="" if flags else "The gateway answered without a judgement.")


def _answer(body: bytes) -> Any:
    answer = answers.parsed(body)
    if (refused := answers.refusal(answer)) is not None:
        raise refused
    return answer


def _data(body: bytes, answer: Any, meta: dict[str, Any], *, missing: str) -> Observation:
    """The whole answer as one output: it is the result."""
    text = storable(body.decode("utf-8", "replace").lstrip("\ufeff"))
    output = Output("data:0", "data", text=text, media_type="application/json", final=not missing, meta=meta)
    return answers.made((output,), missing, answer, usage=paths.first(answer, "usage"))


IMAGE = Operation(
    key="openai.images",
    family="openai",
    label="OpenAI-style image",
    about="A picture from text, through /images/generations; Kling's image models are taken too.",
    medium="image",
    fields=(
        fields.model(_ANYINT, "kling-v2-1"),
        fields.prompt(f"{_OPENAI} images", "What the picture shows."),
        ParamSpec(
            "size",
            "text",
            "Size",
            "Width x height, such as 1024x1024; which are taken depends on the model.",
            default="1024x1024",
            maximum=20,
            choices=("1024x1024", "1536x1024", "1024x1536"),
            unit="pixels",
            source=f"{_OPENAI} images",
        ),
        fields.count(f"{_OPENAI} images", 10),
        ParamSpec(
            "response_format",
            "choice",
            "Answer as",
            "An address, or the picture itself inside the answer. Some models refuse this field.",
            default="url",
            choices=("url", "b64_json"),
            source=f"{_OPENAI} images",
        ),
    ),
    create=_create_image,
    read_created=_read_image,
    basic=("model", "prompt", "size", "n"),
    models=("kling-v2-1",),
    pace=fields.SYNC_PACE,
    source="contract 8",
)

SPEECH = Operation(
    key="openai.speech",
    family="openai",
    label="Speech",
    about="Reads a text aloud.",
    medium="speech",
    fields=(
        fields.model(_ANYINT),
        ParamSpec(
            "input",
            "text",
            "Text",
            "What is read aloud.",
            maximum=4096,
            source=f"{_OPENAI} audio",
            required=True,
        ),
        ParamSpec(
            "voice",
            "text",
            "Voice",
            "Which voices there are depends on the model.",
            default="alloy",
            maximum=100,
            choices=("alloy", "echo", "fable", "nova", "onyx", "shimmer"),
            source=f"{_OPENAI} audio",
            required=True,
        ),
        ParamSpec(
            "response_format",
            "choice",
            "Format",
            "mp3 plays everywhere; pcm is raw and plays nowhere by itself.",
            default="mp3",
            choices=tuple(_SOUND_TYPES),
            source=f"{_OPENAI} audio",
        ),
        ParamSpec(
            "speed",
            "float",
            "Speed",
            "1 is the voice's own.",
            default=1,
            minimum=0.25,
            maximum=4,
            step=0.05,
            source=f"{_OPENAI} audio",
        ),
        ParamSpec(
            "instructions",
            "text",
            "Instructions",
            "How it is to be read, for models that take this.",
            maximum=4096,
            source=f"{_OPENAI} audio",
        ),
    ),
    create=_create_speech,
    read_created=_read_speech,
    basic=("model", "input", "voice", "response_format"),
    pace=fields.SYNC_PACE,
    source="contract 8",
)

EMBEDDINGS = Operation(
    key="openai.embeddings",
    family="openai",
    label="Embeddings",
    about="Turns each line of text into a vector.",
    medium="text",
    fields=(
        fields.model(_ANYINT, "text-embedding-v4"),
        ParamSpec("input", "list", "Texts", "One a line.", maximum=256, source=_ANYINT, required=True),
        ParamSpec(
            "dimensions",
            "int",
            "Dimensions",
            "How many numbers each vector has.",
            default=1024,
            minimum=1,
            maximum=10_000,
            step=1,
            source=_ANYINT,
        ),
        ParamSpec(
            "encoding_format",
            "choice",
            "Encoding",
            "Numbers to read, or base64 of 32-bit floats.",
            default="float",
            choices=("float", "base64"),
            source=f"{_ANYINT} (float); base64 is {_OPENAI} embeddings",
        ),
    ),
    create=_create_embeddings,
    read_created=_read_embeddings,
    basic=("model", "input", "dimensions"),
    models=("text-embedding-v4",),
    pace=fields.SYNC_PACE,
    slow=False,
    source="contract 8",
)

MODERATION = Operation(
    key="openai.moderations",
    family="openai",
    label="Moderation",
    about="Judges whether a text breaks content rules.",
    medium="text",
    fields=(
        fields.model(_ANYINT),
        ParamSpec("input", "text", "Text", "What is judged.", source=f"{_OPENAI} moderations", required=True),
    ),
    create=_create_moderation,
    read_created=_read_moderation,
    basic=("model", "input"),
    pace=fields.SYNC_PACE,
    slow=False,
    source="contract 8",
)

OPERATIONS = (IMAGE, SPEECH, EMBEDDINGS, MODERATION)
