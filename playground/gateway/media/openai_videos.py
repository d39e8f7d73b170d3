"""OpenAI-style videos, the newer way to Kling: create, poll, fetch with the key (contract section 8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from playground.gateway.media import answers, fields, paths, sending
from playground.gateway.media.dialect import Dialect
from playground.gateway.media.observation import Observation, Output
from playground.gateway.media.operation import FileField, Inputs, Operation
from playground.gateway.media.outputs import Harvest
from playground.gateway.params import ParamSpec
from playground.gateway.request import WireRequest

_ANYINT = "AnyInt: Kling video (new page)"
CREATE_PATH = "/openai/v1/videos"
TASK_PATH = "/openai/v1/videos/{id}"
CONTENT_PATH = "/openai/v1/videos/{id}/content"
_BESIDE = ("seconds", "size", "duration")
_FRAMES = ("first_frame", "last_frame")

DIALECT = Dialect(
    ids=("id", "task_id", "video_id", "data.id", "data.task_id"),
    words=("status", "data.status", "task_status", "data.task_status"),
    outputs=tuple(
        Harvest(path, "video")
        for path in ("metadata.url", "url", "data.url", "video_url", "data.metadata.url", "data.video_url")
    ),
    messages=("error.message", "error", "data.error.message", "data.fail_reason", "fail_reason", "message"),
    codes=("error.code", "data.error.code"),
    progress=("progress", "data.progress"),
    usage=("usage", "data.usage"),
)


def _create(inputs: Inputs) -> WireRequest:
    sending.require(inputs, VIDEO.fields, VIDEO.files)
    body = sending.body_of(inputs)
    for name in ("image", "input_reference"):
        if (file := sending.file_of(inputs, name)) is not None:
            body[name] = sending.as_url(file)
    frames = sending.files_of(inputs, "frame_images")
    if frames:
        body["frame_images"] = [
            {"url": sending.as_url(file), "role": role} for file, role in zip(frames, _FRAMES, strict=False)
        ]
    return sending.post_json(CREATE_PATH, body, inputs)


def _query(upstream_id: str) -> WireRequest:
    return sending.query_of(TASK_PATH, upstream_id)


def _read_state(body: bytes) -> Observation:
    """A video that is done is at a plain address if one is told, else at the content route."""
    seen = DIALECT.observed(body)
    if seen.state != "succeeded":
        return seen
    answer = answers.parsed(body)
    meta, lives_s = answers.picked(answer, _BESIDE), _lives_s(answer)
    made = [replace(output, meta=meta, lives_s=lives_s) for output in seen.outputs]
    upstream_id = DIALECT.id_in(answer)
    if not made and upstream_id:
        path = sending.with_id(CONTENT_PATH, upstream_id)
        made = [Output("video:0", "video", url=path, needs_key=True, meta=meta, lives_s=lives_s)]
    # One task makes one video, whatever number of addresses it is told at.
    return replace(seen, outputs=tuple(made[:1]))


def _lives_s(answer: Any) -> int | None:
    end = answers.number(paths.first(answer, "expires_at", "data.expires_at"))
    start = answers.number(paths.first(answer, "completed_at", "data.completed_at", "created_at"))
    if end is None or start is None or not 0 < end - start < 10 * 365 * fields.DAY_S:
        return None
    return int(end - start)


VIDEO = Operation(
    key="openai.videos",
    family="openai",
    label="OpenAI-style video",
    about="The newer way to Kling's video models, with one form for text and pictures.",
    medium="video",
    fields=(
        fields.model(_ANYINT, "kling-3.0"),
        fields.prompt(_ANYINT, "What happens in the video."),
        ParamSpec(
            "mode",
            "choice",
            "Mode",
            "std is quicker and cheaper, pro is better.",
            default="std",
            choices=("std", "pro"),
            source=_ANYINT,
        ),
        ParamSpec(
            "duration",
            "int",
            "Duration",
            "How long the video is; which lengths are taken depends on the model.",
            default=5,
            minimum=1,
            maximum=60,
            step=1,
            unit="seconds",
            source=_ANYINT,
        ),
        ParamSpec(
            "aspect_ratio",
            "text",
            "Aspect ratio",
            "Width to height, such as 16:9, 9:16 or 1:1.",
            default="16:9",
            maximum=20,
            choices=("16:9", "9:16", "1:1"),
            source=f"{_ANYINT}; the values are upstream: Kling",
        ),
        ParamSpec(
            "generate_audio",
            "bool",
            "Make sound",
            "Whether the video has sound; for kling-3.0.",
            default=False,
            source=_ANYINT,
        ),
        ParamSpec(
            "sound",
            "choice",
            "Sound",
            "The same for kling-v3-omni.",
            default="off",
            choices=("off", "on"),
            source=f"{_ANYINT} (off); on is upstream: Kling",
        ),
    ),
    create=_create,
    read_created=DIALECT.submitted,
    query=_query,
    read_state=_read_state,
    files=(
        FileField("image", "image", "First picture", "The video begins with it.", source=_ANYINT),
        FileField("input_reference", "image", "Reference picture", "The video follows it.", source=_ANYINT),
        FileField(
            "frame_images",
            "image",
            "First and last picture",
            "One or two, in this order; the word for the last one is assumed.",
            many=2,
            source=_ANYINT,
        ),
    ),
    basic=("model", "prompt", "mode", "duration", "aspect_ratio"),
    models=("kling-3.0", "kling-v3-omni"),
    pace=fields.VIDEO_PACE,
    source="contract 8",
)

OPERATIONS = (VIDEO,)
