"""DashScope: images in one go, videos as tasks (contract section 11)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from playground.gateway.media import answers, fields, outputs, paths, sending
from playground.gateway.media.dialect import Dialect
from playground.gateway.media.observation import Observation, Submitted
from playground.gateway.media.operation import FileField, FileForm, Inputs, Operation, Pace
from playground.gateway.media.outputs import Harvest
from playground.gateway.params import ParamSpec
from playground.gateway.request import WireRequest

_ANYINT = "AnyInt: Media APIs"
_IMAGES = "AnyInt: Image Generation"
_VERIFY = "AnyInt: Verify Your Integration"
_QWEN = "upstream: Model Studio Qwen-Image"
_HORSE = "upstream: HappyHorse"

IMAGE_PATH = "/dashscope/v1/services/aigc/multimodal-generation/generation"
VIDEO_PATH = "/dashscope/v1/services/aigc/video-generation/video-synthesis"
TASK_PATH = "/dashscope/v1/tasks/{id}"
# The newer models take a list; the older ones, and AnyInt's own example, a field.
_TAKES_LIST = re.compile(r"(?i)happyhorse.*(i2v|r2v|edit)|wan-?(2\.[7-9]|[3-9])")

_TASK = Dialect(
    ids=("output.task_id", "task_id", "data.task_id"),
    words=("output.task_status", "task_status", "data.task_status", "data.status"),
    outputs=(
        Harvest("output.video_url", "video"),
        Harvest("output.video_urls[*]", "video"),
        Harvest("output.results[*].video_url", "video"),
        Harvest("output.results[*].url", "image"),
        Harvest("output.choices[*].message.content[*].image", "image"),
        Harvest("data.url", "video"),
    ),
    messages=("output.message", "message", "data.fail_reason"),
    codes=("output.code", "code"),
    usage=("usage",),
    stages={"suspended": "suspended", "unknown": "no record of this task"},
    lives_s=fields.DAY_S,
)
_PICTURES = (
    Harvest("output.choices[*].message.content[*].image", "image"),
    Harvest("output.results[*].url", "image"),
)
_FORMS: tuple[FileForm, ...] = ("url", "data_url")


def _create_image(inputs: Inputs) -> WireRequest:
    sending.require(inputs, IMAGE.fields, IMAGE.files)
    content = [{"image": sending.as_address(file)} for file in sending.files_of(inputs, "image")]
    body = sending.body_of(inputs, without=("prompt",))
    message = {"role": "user", "content": [*content, {"text": inputs.values["prompt"]}]}
    body["input"] = {"messages": [message]}
    return sending.post_json(IMAGE_PATH, body, inputs)


def _read_image(body: bytes, content_type: str) -> Submitted | Observation:
    """The pictures, or a task after all: newer models are only made that way."""
    answer = answers.parsed(body)
    if (refused := answers.refusal(answer)) is not None:
        raise refused
    found = outputs.gathered(answer, _PICTURES, lives_s=fields.DAY_S)
    if not found and _TASK.id_in(answer):
        return _TASK.taken(answer)
    word = answers.word(paths.first(answer, "output.choices[*].finish_reason"))
    usage = paths.first(answer, "usage")
    missing = "The gateway answered without an image."
    return _partial(answer, answers.made(found, missing, answer, raw_state=word, usage=usage))


def _read_state(body: bytes) -> Observation:
    return _partial(answers.parsed(body), _TASK.observed(body))


def _partial(answer: Any, seen: Observation) -> Observation:
    """A job of several parts has succeeded when one of them has: that others have not is said."""
    metrics = paths.first(answer, "output.task_metrics", "output.task_metric")
    total, good = (answers.number(paths.first(metrics, name)) for name in ("TOTAL", "SUCCEEDED"))
    if seen.state != "succeeded" or total is None or good is None or good >= total:
        return seen
    return replace(seen, stage=f"{good:g} of {total:g} made")


def _create_video(inputs: Inputs) -> WireRequest:
    sending.require(inputs, VIDEO.fields, VIDEO.files)
    body = sending.body_of(inputs, without=("image_as", "async_header"))
    given = body["input"]
    image, audio = sending.file_of(inputs, "image"), sending.file_of(inputs, "audio")
    as_list = _takes_list(inputs)
    media: list[dict[str, str]] = []
    if image is not None and as_list:
        media.append({"type": "first_frame", "url": sending.as_address(image)})
    elif image is not None:
        given["img_url"] = sending.as_address(image)
    if audio is not None:
        given["audio_url"] = sending.as_url(audio)
    media += [{"type": "video", "url": sending.as_url(file)} for file in sending.files_of(inputs, "video")]
    for file in sending.files_of(inputs, "references"):
        media.append({"type": "reference_image", "url": sending.as_address(file)})
    if media:
        given["media"] = media
    # AnyInt's examples leave it out, upstream asks for it (contract 11.2).
    asynchronous = inputs.values.get("async_header", True) is not False
    headers = {"x-dashscope-async": "enable"} if asynchronous else {}
    return sending.post_json(VIDEO_PATH, body, inputs, headers=headers)


def _takes_list(inputs: Inputs) -> bool:
    told = inputs.values.get("image_as")
    return told == "media" if told else _TAKES_LIST.search(str(inputs.values["model"])) is not None


def _query(upstream_id: str) -> WireRequest:
    return sending.query_of(TASK_PATH, upstream_id)


IMAGE = Operation(
    key="dashscope.image",
    family="dashscope",
    label="DashScope image",
    about="Qwen-Image and its like draw a picture, or change one with the editing models.",
    medium="image",
    fields=(
        fields.model(_ANYINT, "qwen-image-plus"),
        fields.prompt(_ANYINT, "What the picture shows, or what is to change in yours."),
        ParamSpec(
            "parameters.size",
            "text",
            "Size",
            "Width*height. The documented ones are 1328*1328, 1664*928, 928*1664, 1472*1104 and 1104*1472.",
            default="1328*1328",
            maximum=20,
            choices=("1328*1328", "1664*928", "928*1664", "1472*1104", "1104*1472"),
            unit="pixels",
            source=_IMAGES,
        ),
        fields.negative_prompt(_IMAGES, name="parameters.negative_prompt", limit=500),
        fields.count(_QWEN, 6, name="parameters.n"),
        fields.seed(_QWEN, name="parameters.seed"),
        ParamSpec(
            "parameters.prompt_extend",
            "bool",
            "Extend the prompt",
            "Whether the provider rewrites the prompt with more detail.",
            default=True,
            source=_QWEN,
        ),
        fields.watermark(_IMAGES, name="parameters.watermark", default=False),
    ),
    create=_create_image,
    read_created=_read_image,
    query=_query,
    read_state=_read_state,
    files=(
        FileField(
            "image",
            "image",
            "Picture to change",
            "Only for the editing models; up to three.",
            forms=_FORMS,
            many=3,
            source="upstream: Model Studio Qwen-Image-Edit",
        ),
    ),
    basic=("model", "prompt", "parameters.size", "parameters.n"),
    models=("qwen-image-plus", "qwen-image-edit-plus"),
    pace=Pace(first_s=5, ceiling_s=15, deadline_s=600),
    source="contract 11.1",
)

VIDEO = Operation(
    key="dashscope.video",
    family="dashscope",
    label="DashScope video",
    about="HappyHorse and Wan make a video of 3 to 15 seconds from text, a picture or sound.",
    medium="video",
    fields=(
        fields.model(_VERIFY, "happyhorse-1.0-t2v"),
        fields.prompt(
            _VERIFY,
            "What happens. HappyHorse takes 2500 Chinese or 5000 other characters.",
            name="input.prompt",
        ),
        ParamSpec(
            "parameters.resolution",
            "choice",
            "Resolution",
            "The height of the picture.",
            default="720P",
            choices=("720P", "1080P"),
            source=f"{_VERIFY} (720P); 1080P is {_HORSE}",
        ),
        ParamSpec(
            "parameters.duration",
            "int",
            "Duration",
            "How long the video is.",
            default=5,
            minimum=3,
            maximum=15,
            step=1,
            unit="seconds",
            source=f"{_VERIFY}; the range is {_HORSE}",
        ),
        ParamSpec(
            "parameters.ratio",
            "choice",
            "Aspect ratio",
            "Width to height, for videos from text.",
            default="16:9",
            choices=("16:9", "9:16", "1:1", "4:3", "3:4"),
            source=_HORSE,
        ),
        ParamSpec(
            "parameters.audio",
            "bool",
            "Sound",
            "Whether the video has sound.",
            default=False,
            source=_VERIFY,
        ),
        fields.seed(_HORSE, name="parameters.seed"),
        fields.watermark(_HORSE, name="parameters.watermark", default=True),
        ParamSpec(
            "image_as",
            "choice",
            "Send the picture as",
            "By itself the model's name decides: HappyHorse i2v, r2v and edit take input.media, others "
            "input.img_url.",
            default="media",
            choices=("img_url", "media"),
            source=f"{_VERIFY} (img_url); media is {_HORSE}",
        ),
        ParamSpec(
            "async_header",
            "bool",
            "X-DashScope-Async header",
            "Upstream asks for it, AnyInt's examples leave it out. It is sent unless this is set to off.",
            default=True,
            source="upstream: Model Studio",
        ),
    ),
    create=_create_video,
    read_created=_TASK.submitted,
    query=_query,
    read_state=_read_state,
    files=(
        FileField(
            "image", "image", "First picture", "The video begins with it.", forms=_FORMS, source=_VERIFY
        ),
        FileField(
            "audio",
            "audio",
            "Sound",
            "The video is made to go with it, where the model does so.",
            source="upstream: Model Studio",
        ),
        FileField(
            "references",
            "image",
            "Reference pictures",
            "Who and what is to be seen; for the r2v and edit models.",
            forms=_FORMS,
            many=9,
            source=_HORSE,
        ),
        FileField(
            "video",
            "video",
            "Video to change",
            "Only for the editing models.",
            max_bytes=100 * 1024 * 1024,
            source=_HORSE,
        ),
    ),
    basic=("model", "input.prompt", "parameters.resolution", "parameters.duration", "parameters.ratio"),
    models=("happyhorse-1.0-t2v", "happyhorse-1.0-i2v"),
    pace=Pace(first_s=10, ceiling_s=15, deadline_s=1800),
    source="contract 11.2 and 11.3",
)

OPERATIONS = (IMAGE, VIDEO)
