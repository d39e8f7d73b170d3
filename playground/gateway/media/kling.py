"""Kling's native routes, five pairs of create and query (contract section 12): how they are spoken.

What their forms hold is in `kling_fields`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from playground.gateway.media import fields, kling_fields, sending
from playground.gateway.media.dialect import Dialect
from playground.gateway.media.observation import OutputKind
from playground.gateway.media.operation import FileField, Inputs, Operation
from playground.gateway.media.outputs import Harvest
from playground.gateway.params import ParamSpec
from playground.gateway.request import WireRequest

PREFIX = "/transtreams/kling/v1"
_MONTH_S = 30 * fields.DAY_S
_OURS = ("model", "refer_type", "keep_original_sound")


def _dialect(kind: OutputKind) -> Dialect:
    """Kling's own envelope, its callbacks' flat one, and those of gateways that put one around it.

    They tell an address at `data.url`, which may be of either kind: the route says of which.
    """
    places = ("data.", "", "data.data.", "data.data.data.")
    results = [
        harvest
        for place in places
        for harvest in (
            Harvest(f"{place}task_result.videos[*].url", "video", beside=("id", "duration")),
            Harvest(f"{place}task_result.images[*].url", "image", beside=("index",)),
            Harvest(f"{place}task_result.series_images[*].url", "image", beside=("index",)),
        )
    ]
    return Dialect(
        ids=("data.task_id", "task_id", "data.id", "id"),
        words=("data.task_status", "task_status", "data.status", "status"),
        outputs=(*results, Harvest("data.url", kind), Harvest("data.metadata.url", kind)),
        messages=(
            "data.task_status_msg",
            "task_status_msg",
            "data.error.message",
            "data.fail_reason",
            "error.message",
        ),
        codes=("data.error.code", "error.code"),
        progress=("data.progress", "progress"),
        usage=("data.usage", "usage"),
        lives_s=_MONTH_S,
    )


def _nothing(inputs: Inputs, body: dict[str, Any]) -> None:
    """Text alone."""


def _single_images(inputs: Inputs, body: dict[str, Any]) -> None:
    for name in ("image", "image_tail"):
        if (file := sending.file_of(inputs, name)) is not None:
            body[name] = sending.as_base64(file)


def _image_list(inputs: Inputs, body: dict[str, Any]) -> None:
    if files := sending.files_of(inputs, "images"):
        body["image_list"] = [{"image": sending.as_base64(file)} for file in files]


def _omni_lists(inputs: Inputs, body: dict[str, Any]) -> None:
    if images := list(_omni_images(inputs)):
        body["image_list"] = images
    video = sending.file_of(inputs, "video")
    if video is not None:
        body["video_list"] = [
            {
                "video_url": sending.as_url(video),
                "refer_type": inputs.values.get("refer_type", "feature"),
                "keep_original_sound": inputs.values.get("keep_original_sound", "yes"),
            }
        ]


def _omni_images(inputs: Inputs) -> Iterator[dict[str, str]]:
    """In this order, which is the one that the marks in the prompt count."""
    for name in ("first_frame", "end_frame"):
        if (file := sending.file_of(inputs, name)) is not None:
            yield {"image_url": sending.as_base64(file), "type": name}
    for file in sending.files_of(inputs, "images"):
        yield {"image_url": sending.as_base64(file)}


def _query(route: str, upstream_id: str) -> WireRequest:
    # The query path has to be that of the create call.
    return sending.query_of(f"{PREFIX}/{route}/{{id}}", upstream_id)


@dataclass(frozen=True, slots=True)
class _Route:
    """One pair of routes, as far as it differs. `add` puts the files into the body."""

    key: str
    path: str
    label: str
    about: str
    model: str
    fields: tuple[ParamSpec, ...]
    files: tuple[FileField, ...] = ()
    add: Callable[[Inputs, dict[str, Any]], None] = _nothing

    @property
    def medium(self) -> Literal["image", "video"]:
        return "image" if self.path.startswith("images/") else "video"


def _create(route: _Route, inputs: Inputs) -> WireRequest:
    sending.require(inputs, route.fields, route.files)
    chosen = inputs.values["model"]
    # The old page wants `model_name` and recommends `model` with the same value.
    body = {"model_name": chosen, "model": chosen, **sending.body_of(inputs, without=_OURS)}
    route.add(inputs, body)
    if inputs.callback_url:
        body["callback_url"] = inputs.callback_url
    if inputs.own_id:
        body["external_task_id"] = inputs.own_id
    return sending.post_json(f"{PREFIX}/{route.path}", body, inputs)


def _operation(route: _Route) -> Operation:
    dialect = _dialect(route.medium)
    return Operation(
        key=route.key,
        family="kling",
        label=route.label,
        about=route.about,
        medium=route.medium,
        fields=route.fields,
        create=partial(_create, route),
        read_created=dialect.submitted,
        query=partial(_query, route.path),
        read_state=dialect.observed,
        files=route.files,
        basic=_BASIC[route.medium],
        models=(route.model,),
        pace=fields.IMAGE_PACE if route.medium == "image" else fields.VIDEO_PACE,
        callback_field="callback_url",
        # Kling knows callbacks, but nothing says that AnyInt hands them on (contract 15).
        callback_by_default=False,
        carries_own_id=True,
        source="contract 12",
    )


_BASIC = {
    "image": ("model", "prompt", "aspect_ratio", "resolution", "n"),
    "video": ("model", "prompt", "mode", "duration", "aspect_ratio"),
}
_ROUTES = (
    _Route(
        "kling.image",
        "images/generations",
        "Kling image",
        "A picture from text, or in the likeness of one of yours.",
        "kling-v2-1",
        kling_fields.IMAGE,
        kling_fields.IMAGE_FILES,
        _single_images,
    ),
    _Route(
        "kling.omni-image",
        "images/omni-image",
        "Kling omni image",
        "A picture from text and several of yours, or a series of them.",
        "kling-v3-omni",
        kling_fields.OMNI_IMAGE,
        kling_fields.OMNI_IMAGE_FILES,
        _image_list,
    ),
    _Route(
        "kling.text2video",
        "videos/text2video",
        "Kling text to video",
        "A video from text alone.",
        "kling-v3",
        kling_fields.TEXT_TO_VIDEO,
    ),
    _Route(
        "kling.image2video",
        "videos/image2video",
        "Kling image to video",
        "A video that begins with your picture, and may end with another.",
        "kling-v3",
        kling_fields.IMAGE_TO_VIDEO,
        kling_fields.IMAGE_TO_VIDEO_FILES,
        _single_images,
    ),
    _Route(
        "kling.omni-video",
        "videos/omni-video",
        "Kling omni video",
        "A video from text, pictures and a video of yours, in one shot or several.",
        "kling-v3-omni",
        kling_fields.OMNI_VIDEO,
        kling_fields.OMNI_VIDEO_FILES,
        _omni_lists,
    ),
)
OPERATIONS = tuple(map(_operation, _ROUTES))
