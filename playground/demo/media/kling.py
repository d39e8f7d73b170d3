"""Kling's five create and query pairs (contract section 12)."""

import secrets
import time
from collections.abc import Callable
from typing import Any

from playground.demo.exchange import Exchange, Refused
from playground.demo.fields import check_booleans, check_choice, check_numbers, check_strings, parse, wrong
from playground.demo.records import Record

from . import faults, reading
from .drawing import sized
from .recipes import Film, Picture, Recipe
from .studio import DAY_S, Refusals, Studio
from .tasks import Look, Order, Task, durations
from .ways import Way, way

_BASE = "/transtreams/kling/v1"
_MODELS = r"demo-image|demo-video|kling.*"
_LIVES_S = 30 * DAY_S
_IMAGE_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "auto")
_LONGEST_PROMPT = 2500
_STATES = {
    "pending": "submitted",
    "running": "processing",
    "odd": "reviewing",
    "succeeded": "succeed",
    "failed": "failed",
    "refused": "failed",
    "cancelled": "failed",
}
_MESSAGES = {
    "failed": "The demo was asked to fail",
    "refused": "The input may not follow the content rules",
    "cancelled": "The task was cancelled",
}
# HTTP status and business code by the status of the gateway's own refusal.
_CODES = {
    400: (400, 1201),
    401: (401, 1002),
    402: (429, 1101),
    403: (403, 1103),
    404: (404, 1203),
    405: (404, 1202),
    429: (429, 1302),
    503: (503, 5001),
    504: (504, 5002),
}


class KlingRefused(Refused):
    """A refusal in the family's shape: a business code beside the status."""

    def __init__(self, refused: Refused, request_id: str) -> None:
        usual = (refused.status, 5000 if refused.status >= 500 else 1201)
        status, code = _CODES.get(refused.status, usual)
        super().__init__(status, refused.message, headers=refused.headers)
        named = {"insufficient_quota": 1102} if refused.status == 429 else {}
        named |= {"1301": 1301, "1303": 1303}
        self.number = named.get(refused.code or "", code)
        self.request_id = request_id

    def body(self) -> dict[str, Any]:
        return {"code": self.number, "message": self.message, "request_id": self.request_id}


NO = Refusals(
    content=lambda: Refused(400, "trigger strategy of content security", code="1301"),
    busy=lambda: Refused(429, "parallel task over resource pack limit", code="1303"),
)

Reader = Callable[[dict[str, Any], str], tuple[Recipe, ...]]


class Kling:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def ways(self) -> tuple[Way, ...]:
        return tuple(one for route, read in _READERS.items() for one in self._pair(route, read))

    def _pair(self, route: str, read: Reader) -> tuple[Way, Way]:
        async def create(exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
            await self._create(exchange, raw, record, route)

        async def query(exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
            await self._query(exchange, route, name)

        path = f"{_BASE}/{route}"
        return way("POST", path, create, KlingRefused), way("GET", f"{path}/{{id}}", query, KlingRefused)

    async def _create(self, exchange: Exchange, raw: bytes, record: Record, route: str) -> None:
        body = parse(raw)
        record.note({**body, "model": body.get("model_name")}, messages="messages")
        order = _order(body, route)
        if await self._studio.strike(exchange, order.faults, raw, NO):
            return
        own_id = _own_id(body)
        if own_id and self._studio.tasks.has_own(own_id):
            raise wrong("external_task_id", "invalid request parameters: external_task_id exists already")
        task = self._studio.tasks.take(_task_id(), order, own_id=own_id)
        await self._studio.answer(exchange, _envelope(exchange, _data(task, "submitted")), order.faults)

    async def _query(self, exchange: Exchange, route: str, name: str) -> None:
        task = self._studio.tasks.find(f"kling {route}", name)
        look = await self._studio.look(exchange, task) if task else Look("gone")
        if look is None:
            return
        if task is None or look.state == "gone":
            raise Refused(404, "the requested resource does not exist")
        data = _data(task, _STATES[look.state])
        data["task_status_msg"] = _MESSAGES.get(look.state, "")
        if look.made:
            urls = self._studio.urls(exchange, task, lives_s=_LIVES_S)
            data["task_result"] = _result(task, urls)
        await exchange.reply(200, _envelope(exchange, data))


def _order(body: dict[str, Any], route: str) -> Order:
    model = reading.known_model(body, _MODELS, field="model_name")
    if body.get("model", model) != model:
        raise wrong("model", "invalid request parameters: model is another than model_name")
    several = isinstance(body.get("multi_prompt"), list) and body.get("multi_shot") is True
    words = _shots(body) if several else reading.prompt(body, longest=_LONGEST_PROMPT)
    check_strings(body, ("negative_prompt", "callback_url", "voice_id"))
    check_booleans(body, ("generate_audio", "multi_shot"))
    check_numbers(body, {"cfg_scale": (0, 1), "image_fidelity": (0, 1), "human_fidelity": (0, 1)})
    recipes = _READERS[route](body, words)
    is_film = isinstance(recipes[0], Film)
    pending_s, ready_s = durations(words, pending_s=2, ready_s=26 if is_film else 9)
    asked = faults.read(model, words)
    return Order(f"kling {route}", model, words, asked, recipes, pending_s, ready_s)


def _shots(body: dict[str, Any]) -> str:
    shots = body["multi_prompt"]
    if not 1 <= len(shots) <= 6 or not all(isinstance(shot, dict) for shot in shots):
        raise wrong("multi_prompt", "multi_prompt must hold 1 to 6 objects")
    return "\n".join(reading.prompt(shot, where="multi_prompt.prompt", longest=512) for shot in shots)


def _pictures(body: dict[str, Any], words: str) -> tuple[Recipe, ...]:
    check_choice(body, "resolution", ("1k", "2k", "4k"))
    check_choice(body, "aspect_ratio", _IMAGE_RATIOS)
    check_choice(body, "image_reference", ("subject", "face"))
    _check_image(body.get("image"), "image")
    longest = 2048 if body.get("resolution") in ("2k", "4k") else 1024
    width, height = sized(reading.ratio(body.get("aspect_ratio"), "aspect_ratio"), longest)
    count = reading.many(body.get("n"), "n", most=9)
    return tuple(Picture(words, width, height, str(number)) for number in range(count))


def _omni_pictures(body: dict[str, Any], words: str) -> tuple[Recipe, ...]:
    check_choice(body, "result_type", ("single", "series"))
    _check_list(body, "image_list", "image", most=10)
    _check_list(body, "element_list", "", most=10)
    return _pictures(body, words)


def _film(body: dict[str, Any], words: str) -> tuple[Recipe, ...]:
    check_choice(body, "mode", ("std", "pro"))
    duration = reading.seconds(body.get("duration"), "duration", low=3)
    return (Film(words, reading.ratio(body.get("aspect_ratio"), "aspect_ratio"), duration),)


def _film_of_picture(body: dict[str, Any], words: str) -> tuple[Recipe, ...]:
    if not body.get("image") and not body.get("image_tail"):
        raise wrong("image", "invalid request parameters: image is required")
    for name in ("image", "image_tail"):
        _check_image(body.get(name), name)
    return _film(body, words)


def _omni_film(body: dict[str, Any], words: str) -> tuple[Recipe, ...]:
    check_choice(body, "sound", ("on", "off"))
    check_choice(body, "shot_type", ("customize", "intelligence"))
    images = _check_list(body, "image_list", "image_url", most=7)
    videos = _check_list(body, "video_list", "video_url", most=1)
    _check_list(body, "element_list", "", most=10)
    if videos and body.get("sound") == "on":
        raise wrong("sound", "invalid request parameters: sound must be off with a reference video")
    # A list, not a set: what a caller sends as a type may have no hash.
    frames = [image.get("type") for image in images]
    if "end_frame" in frames and "first_frame" not in frames:
        raise wrong("image_list", "invalid request parameters: an end frame needs a first frame")
    return _film(body, words)


_READERS: dict[str, Reader] = {
    "images/generations": _pictures,
    "images/omni-image": _omni_pictures,
    "videos/text2video": _film,
    "videos/image2video": _film_of_picture,
    "videos/omni-video": _omni_film,
}


def _check_image(value: object, where: str) -> None:
    if value in (None, ""):
        return
    if not reading.is_address(value) and not reading.is_bare_base64(value):
        raise wrong(where, f"invalid request parameters: {where} must be a URL, or base64 without data:")


def _check_list(body: dict[str, Any], name: str, field: str, *, most: int) -> list[dict[str, Any]]:
    """A list of references; `field` of each holds the file, if it is not empty."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > most or not all(isinstance(one, dict) for one in value):
        raise wrong(name, f"invalid request parameters: {name} must hold at most {most} objects")
    for place, one in enumerate(value):
        if field and not one.get(field):
            raise wrong(name, f"invalid request parameters: {name}[{place}].{field} is required")
        _check_image(one.get(field), f"{name}[{place}].{field}")
    return value


def _own_id(body: dict[str, Any]) -> str:
    check_strings(body, ("external_task_id",))
    return str(body.get("external_task_id") or "")[:200]


def _task_id() -> str:
    return f"86{secrets.randbelow(10**16):016}"


def _data(task: Task, status: str) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "task_status": status,
        "task_info": {"external_task_id": task.own_id} if task.own_id else {},
        "created_at": int(task.taken_at * 1000),
        "updated_at": int(time.time() * 1000),
    }


def _result(task: Task, urls: tuple[str, ...]) -> dict[str, Any]:
    if isinstance(task.order.recipes[0], Film):
        duration = f"{task.order.recipes[0].seconds}.0"
        return {"videos": [{"id": f"v-{task.id}", "url": url, "duration": duration} for url in urls]}
    return {"images": [{"index": place, "url": url} for place, url in enumerate(urls)]}


def _envelope(exchange: Exchange, data: dict[str, Any]) -> dict[str, Any]:
    return {"code": 0, "message": "SUCCEED", "request_id": exchange.request_id, "data": data}
