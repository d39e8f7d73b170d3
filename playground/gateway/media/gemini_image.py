"""Gemini's image models: a picture comes back inside the answer (contract section 10)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from playground.gateway import errors
from playground.gateway.assembly import storable
from playground.gateway.media import answers, fields, outputs, paths, sending
from playground.gateway.media.observation import Observation, Output
from playground.gateway.media.operation import FileField, FileValue, Inputs, Operation
from playground.gateway.media.outputs import Harvest
from playground.gateway.params import ParamSpec
from playground.gateway.request import WireRequest

_ANYINT = "AnyInt: Gemini Compatible API"
_IMAGES = "AnyInt: Image Generation"
PATH = "/gemini/v1beta/models/{model}:generateContent"
_INLINE = Harvest("", "image", base64=True)
# Contract 17: these reasons say that the content was refused.
_BLOCKS = (
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
    "ESCALATION",
)


def _create(inputs: Inputs) -> WireRequest:
    sending.require(inputs, IMAGE.fields, IMAGE.files)
    body = sending.body_of(inputs, without=("model", "prompt", "system"))
    parts = [_part(file) for file in sending.files_of(inputs, "image")]
    body["contents"] = [{"role": "user", "parts": [*parts, {"text": inputs.values["prompt"]}]}]
    body.setdefault("generationConfig", {})["responseModalities"] = ["TEXT", "IMAGE"]
    if inputs.values.get("system"):
        body["systemInstruction"] = {"parts": [{"text": inputs.values["system"]}]}
    # The id is encoded whole; the colon before the method is part of the path.
    path = PATH.format(model=quote(str(inputs.values["model"]), safe="", errors="replace"))
    return sending.post_json(path, body, inputs)


def _part(file: FileValue) -> dict[str, Any]:
    media_type = file.media_type or "image/png"
    if file.url and not file.url.startswith("data:"):
        return {"fileData": {"mimeType": media_type, "fileUri": file.url}}
    return {"inlineData": {"mimeType": media_type, "data": sending.as_base64(file)}}


def _read(body: bytes, content_type: str) -> Observation:
    """The pictures and what was said beside them; a text without a picture is not what was asked for."""
    answer = answers.parsed(body)
    if (refused := answers.refusal(answer)) is not None:
        raise refused
    parts = [part for part, _ in paths.found(answer, "candidates[*].content.parts[*]")]
    # A picture tried out while thinking is not the answer.
    shown = [part for part in parts if isinstance(part, dict) and part.get("thought") is not True]
    pictures = _pictures(shown)
    said = storable("".join(part["text"] for part in shown if isinstance(part.get("text"), str)))
    texts = (Output("text:0", "text", text=said, final=bool(pictures)),) if said.strip() else ()
    reason = answers.word(paths.first(answer, "candidates[*].finishReason", "promptFeedback.blockReason"))
    seen = Observation(
        "succeeded",
        reason,
        outputs=(*pictures, *texts),
        request_id=errors.request_id({}, answer) or answers.word(paths.first(answer, "responseId")),
        usage=answers.tidy_object(paths.first(answer, "usageMetadata")),
    )
    return seen if pictures else _failed(seen, answer, said)


def _pictures(parts: list[dict[str, Any]]) -> tuple[Output, ...]:
    made: list[Output] = []
    for part in parts:
        blob = part.get("inlineData") or part.get("inline_data")
        if not isinstance(blob, dict):
            continue
        output = outputs.content_of(blob.get("data"), _INLINE)
        if output is None or not output.data_b64:
            continue
        told = answers.word(blob.get("mimeType") or blob.get("mime_type")).lower()
        made.append(replace(output, key=f"image:{len(made)}", media_type=told))
    return tuple(made)


def _failed(seen: Observation, answer: Any, said: str) -> Observation:
    reason = seen.raw_state
    told = paths.first(answer, "candidates[*].finishMessage", "promptFeedback.blockReasonMessage")
    message = told if isinstance(told, str) else said or "The model answered without an image."
    # A blocked prompt has no candidates at all, and any reason it is given is one.
    blocked = reason in _BLOCKS or paths.first(answer, "promptFeedback.blockReason") is not None
    return replace(
        seen,
        state="failed",
        error_kind="content_policy" if blocked else "unknown",
        error_message=errors.plain(message),
        error_code=reason if reason not in ("", "STOP") else "no_output",
    )


IMAGE = Operation(
    key="gemini.image",
    family="gemini",
    label="Gemini image",
    about="A picture with a word on it, from text and pictures of yours.",
    medium="image",
    fields=(
        fields.model(_ANYINT, "gemini-3-flash-preview"),
        fields.prompt(_ANYINT, "What the picture shows, or what is to change in yours.", limit=20_000),
        ParamSpec(
            "system",
            "text",
            "Instructions",
            "What holds for every picture: a style, things to leave out.",
            source="upstream: Gemini API",
        ),
        ParamSpec(
            "generationConfig.temperature",
            "float",
            "Temperature",
            "How varied the results are; Gemini 3 models are meant to be used at 1.",
            default=1,
            minimum=0,
            maximum=2,
            step=0.1,
            source=_ANYINT,
        ),
        ParamSpec(
            "generationConfig.topP",
            "float",
            "Top P",
            "Only the likeliest choices that together reach this share are drawn from.",
            default=0.95,
            minimum=0,
            maximum=1,
            step=0.05,
            source=_ANYINT,
        ),
        ParamSpec(
            "generationConfig.maxOutputTokens",
            "int",
            "Max output tokens",
            "A picture costs more than a thousand; a limit below that leaves none.",
            default=4096,
            minimum=1,
            maximum=2**31 - 1,
            step=1,
            unit="tokens",
            source=_ANYINT,
        ),
        ParamSpec(
            "safetySettings",
            "json",
            "Safety settings",
            'As JSON: [{"category": "…", "threshold": "…"}].',
            source=_ANYINT,
        ),
    ),
    create=_create,
    read_created=_read,
    files=(
        FileField(
            "image",
            "image",
            "Pictures",
            "To change, combine or follow.",
            forms=("base64", "url"),
            many=8,
            max_bytes=7 * 1024 * 1024,
            source=_IMAGES,
        ),
    ),
    basic=("model", "prompt"),
    models=("gemini-3-flash-preview",),
    pace=fields.SYNC_PACE,
    source="contract 10",
)

OPERATIONS = (IMAGE,)
