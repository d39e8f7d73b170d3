"""POST /openai/v1/videos, and a video's state and bytes (contract section 8)."""

import secrets
import time
from typing import Any

from playground.demo.exchange import Exchange, Refused
from playground.demo.fields import check_booleans, check_choice, check_strings, wrong
from playground.demo.records import Record

from . import faults, multipart, reading
from .assets import Asset
from .drawing import sized
from .multipart import Upload
from .openai_errors import CONTENT, NO
from .recipes import Film
from .studio import DAY_S, Studio
from .tasks import Look, Order, Task, durations
from .ways import Way, as_the_gateway, way

_PATH = "/openai/v1/videos"
_ROUTE = "openai videos"
_MODELS = r"demo-video|kling.*|sora.*|veo.*|wan.*|happyhorse.*|seedance.*"
# These tell an address beside the bytes under /content, as was seen on a sibling route.
_WITH_URL = ("kling-v3-omni", "demo-video")
_STATES = {
    "pending": "queued",
    "running": "in_progress",
    "odd": "reviewing",
    "succeeded": "completed",
    "failed": "failed",
    "refused": "failed",
    "cancelled": "cancelled",
}
_ERRORS = {
    "failed": {"code": "generation_failed", "message": "The demo was asked to fail"},
    "refused": {"code": "content_policy", "message": CONTENT},
}


class OpenAIVideos:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def ways(self) -> tuple[Way, ...]:
        return (
            way("POST", _PATH, self._create, as_the_gateway),
            way("GET", f"{_PATH}/{{id}}", self._query, as_the_gateway),
            way("GET", f"{_PATH}/{{id}}/content", self._content, as_the_gateway),
        )

    async def _create(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        body = multipart.read(exchange, raw)
        record.note(body, messages="messages")
        order = _order(body)
        if await self._studio.strike(exchange, order.faults, raw, NO):
            return
        task = self._studio.tasks.take(f"video_demo{secrets.token_hex(10)}", order)
        await self._studio.answer(exchange, _video(task, Look("pending")), order.faults)

    async def _query(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        task = self._studio.tasks.find(_ROUTE, name)
        look = await self._studio.look(exchange, task) if task else Look("gone")
        if look is None:
            return
        if task is None or look.state == "gone":
            raise _unknown(name)
        video = _video(task, look)
        if look.made and task.order.model.startswith(_WITH_URL):
            video["metadata"] = {"url": self._studio.urls(exchange, task, lives_s=DAY_S)[0]}
        await exchange.reply(200, video)

    async def _content(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        task = self._studio.tasks.find(_ROUTE, name)
        if task is None:
            raise _unknown(name)
        if not self._studio.tasks.peek(task).made:
            raise Refused(404, "The video has no content yet", code="video_not_ready")
        order = task.order
        now = time.time()
        asset = Asset(task.id, order.recipes[0], order.faults.asset, task.taken_at + DAY_S)
        await self._studio.server.send(exchange, asset, now=now)


def _order(body: dict[str, Any]) -> Order:
    model = reading.known_model(body, _MODELS)
    words = reading.prompt(body)
    check_strings(body, ("image", "size"))
    check_choice(body, "mode", ("std", "pro"))
    check_choice(body, "sound", ("on", "off"))
    check_booleans(body, ("generate_audio",))
    _check_pictures(body)
    length = body.get("duration", body.get("seconds"))
    duration = reading.seconds(length, "duration" if "duration" in body else "seconds")
    ratio, size = _shape(body)
    pending_s, ready_s = durations(words, pending_s=3, ready_s=28)
    told = {"seconds": str(duration), "size": size}
    recipe = Film(words, ratio, duration)
    return Order(_ROUTE, model, words, faults.read(model, words), (recipe,), pending_s, ready_s, told)


def _shape(body: dict[str, Any]) -> tuple[str, str]:
    """The ratio to draw in, and the size to tell."""
    if body.get("size"):
        width, height = reading.pixels(body["size"], "size", sign="x", usual=(1280, 720))
        across = 16 if width >= height else max(round(16 * width / height), 1)
        down = 16 if height >= width else max(round(16 * height / width), 1)
        return f"{across}:{down}", f"{width}x{height}"
    ratio = reading.ratio(body.get("aspect_ratio"), "aspect_ratio")
    width, height = sized(ratio, 1280)
    return ratio, f"{width}x{height}"


def _check_pictures(body: dict[str, Any]) -> None:
    for name in ("image", "input_reference"):
        value = body.get(name)
        if isinstance(value, dict):
            value = value.get("image_url")
        if value and not isinstance(value, Upload) and not _is_picture(value):
            raise wrong(name, f"{name} must be an https URL")
    frames = body.get("frame_images", [])
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        raise wrong("frame_images", "frame_images must be a list of objects")
    for place, frame in enumerate(frames):
        if not _is_picture(frame.get("url")):
            raise wrong("frame_images", f"frame_images[{place}].url must be an https URL")


def _is_picture(value: object) -> bool:
    return reading.is_address(value) or reading.is_data_url(value)


def _video(task: Task, look: Look) -> dict[str, Any]:
    video: dict[str, Any] = {
        "id": task.id,
        "object": "video",
        "model": task.order.model,
        "status": _STATES[look.state],
        "progress": round(look.progress * 100),
        "created_at": int(task.taken_at),
        **task.order.told,
    }
    if look.state == "succeeded":
        video["completed_at"] = int(time.time())
        video["expires_at"] = int(task.taken_at + DAY_S)
    if look.state in _ERRORS:
        video["error"] = _ERRORS[look.state]
    return video


def _unknown(name: str) -> Refused:
    return Refused(404, f"Video with id '{name[:80]}' not found.", code="not_found", param="video_id")
