"""The DashScope routes: pictures in one go, films as tasks (contract section 11)."""

import time
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from playground.demo.exchange import Exchange, Refused
from playground.demo.fields import check_booleans, check_choice, check_strings, parse, wrong
from playground.demo.records import Record

from . import faults, reading
from .recipes import Film, Picture
from .studio import DAY_S, Refusals, Studio
from .tasks import Look, Order, Task, durations
from .ways import Way, way

_BASE = "/dashscope/v1"
_VIDEO = "dashscope video"
_IMAGE_MODELS = r"demo-image|qwen-image.*|wan.*|z-image.*|flux.*|stable-diffusion.*"
_VIDEO_MODELS = r"demo-video|happyhorse.*|wan.*|pixverse.*|vidu.*|kling.*"
_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4")
_IMAGE_S = 4.0
_PROVIDER_TIME = timezone(timedelta(hours=8))
_STATES = {
    "pending": "PENDING",
    "running": "RUNNING",
    "odd": "REVIEWING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "refused": "FAILED",
    "cancelled": "CANCELED",
    "gone": "UNKNOWN",
}
_CODES = {
    400: "InvalidParameter",
    401: "InvalidApiKey",
    402: "Arrearage",
    403: "AccessDenied",
    404: "ModelNotFound",
    429: "Throttling.RateQuota",
}
_INSPECTED = "Input data may contain inappropriate content."


class DashScopeRefused(Refused):
    """A refusal in the family's shape. An empty account is 400 here, not 402."""

    def __init__(self, refused: Refused, request_id: str) -> None:
        status = 400 if refused.status == 402 else refused.status
        super().__init__(status, refused.message, headers=refused.headers)
        usual = "InternalError" if status >= 500 else "InvalidParameter"
        self.code = _CODES.get(refused.status, usual)
        if refused.status == 429 and refused.code == "insufficient_quota":
            self.code = "Throttling.AllocationQuota"
        if refused.code in ("DataInspectionFailed", "Throttling"):
            self.code = refused.code
        self.request_id = request_id

    def body(self) -> dict[str, Any]:
        return {"request_id": self.request_id, "code": self.code, "message": self.message}


NO = Refusals(
    content=lambda: Refused(400, _INSPECTED, code="DataInspectionFailed"),
    busy=lambda: Refused(429, "Requests throttled, too many tasks at once.", code="Throttling"),
)


class DashScope:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def ways(self) -> tuple[Way, ...]:
        aigc = f"{_BASE}/services/aigc"
        return (
            way("POST", f"{aigc}/multimodal-generation/generation", self._image, DashScopeRefused),
            way("POST", f"{aigc}/video-generation/video-synthesis", self._create, DashScopeRefused),
            way("GET", f"{_BASE}/tasks/{{id}}", self._query, DashScopeRefused),
        )

    async def _image(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        body = parse(raw)
        record.note(body, messages="messages")
        model = reading.known_model(body, _IMAGE_MODELS)
        words = _words_of(body)
        pictures = _pictures(body, words)
        asked = faults.read(model, words)
        if await self._studio.strike(exchange, asked, raw, NO):
            return
        await self._studio.work(_IMAGE_S, asked)
        if asked.ending in ("failed", "refused", "cancelled"):
            raise NO.content() if asked.ending == "refused" else Refused(500, "Generation failed")
        urls = self._studio.publish(exchange, pictures, asked, lives_s=DAY_S)
        await self._studio.answer(exchange, _images(exchange, pictures, urls), asked)

    async def _create(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        body = parse(raw)
        record.note(body, messages="messages")
        model = reading.known_model(body, _VIDEO_MODELS)
        order = _film(body, model)
        if await self._studio.strike(exchange, order.faults, raw, NO):
            return
        task = self._studio.tasks.take(str(uuid.uuid4()), order)
        told = {"task_id": task.id, "task_status": "PENDING"}
        await self._studio.answer(exchange, {"output": told, "request_id": exchange.request_id}, order.faults)

    async def _query(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        task = self._studio.tasks.find(_VIDEO, name)
        if task is None:
            told = {"task_id": name[:80], "task_status": "UNKNOWN"}
            await exchange.reply(200, {"request_id": exchange.request_id, "output": told})
            return
        look = await self._studio.look(exchange, task)
        if look is not None:
            await exchange.reply(200, self._told(exchange, task, look))

    def _told(self, exchange: Exchange, task: Task, look: Look) -> dict[str, Any]:
        output: dict[str, Any] = {"task_id": task.id, "task_status": _STATES[look.state]}
        answer: dict[str, Any] = {"request_id": exchange.request_id, "output": output}
        if look.state == "gone":
            return answer
        output["submit_time"] = _provider_time(task.taken_at)
        if look.state != "pending":
            output["scheduled_time"] = _provider_time(task.taken_at + task.order.pending_s)
        if look.state in ("failed", "refused"):
            output["code"] = "InternalError" if look.state == "failed" else "DataInspectionFailed"
            output["message"] = "The demo was asked to fail." if look.state == "failed" else _INSPECTED
        if look.state in ("succeeded", "failed", "refused"):
            output["end_time"] = _provider_time(task.taken_at + task.order.ready_s)
        if look.made:
            output["orig_prompt"] = task.order.prompt
            output["video_url"] = self._studio.urls(exchange, task, lives_s=DAY_S)[0]
            answer["usage"] = {**task.order.told, "video_count": 1}
        return answer


def _words_of(body: dict[str, Any]) -> str:
    """The text of the one message; pictures to be changed are checked, and never fetched."""
    messages = reading.section(body, "input").get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    content = first.get("content") if isinstance(first, dict) else None
    if not isinstance(content, list) or not isinstance(first, dict) or first.get("role") != "user":
        raise wrong(
            "input.messages", "input.messages must hold one message of the user with a list as content"
        )
    texts = [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
    for part in content:
        if not isinstance(part, dict) or not ({"text", "image"} & part.keys()):
            raise wrong("input.messages", "content must hold texts and images only")
        if "image" in part:
            _check_address(part["image"], "image")
    return reading.prompt({"text": "\n".join(texts)}, field="text", where="input.messages.content.text")


def _pictures(body: dict[str, Any], words: str) -> tuple[Picture, ...]:
    parameters = reading.section(body, "parameters")
    check_booleans(parameters, ("watermark", "prompt_extend"))
    check_strings(parameters, ("negative_prompt",))
    width, height = reading.pixels(parameters.get("size"), "parameters.size", sign="*", usual=(1328, 1328))
    count = reading.many(parameters.get("n"), "parameters.n", most=6)
    seed = reading.seed(parameters, "parameters.seed")
    return tuple(Picture(words, width, height, f"{seed}/{number}") for number in range(count))


def _images(exchange: Exchange, pictures: tuple[Picture, ...], urls: tuple[str, ...]) -> dict[str, Any]:
    content = [{"image": url} for url in urls]
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    metric = {"TOTAL": len(pictures), "SUCCEEDED": len(urls), "FAILED": len(pictures) - len(urls)}
    return {
        "output": {"choices": [choice], "task_metric": metric},
        "usage": {"width": pictures[0].width, "height": pictures[0].height, "image_count": len(urls)},
        "request_id": exchange.request_id,
    }


def _film(body: dict[str, Any], model: str) -> Order:
    asked, parameters = reading.section(body, "input"), reading.section(body, "parameters")
    words = reading.prompt(asked, where="input.prompt")
    _check_media(asked)
    check_booleans(parameters, ("audio", "watermark", "prompt_extend"))
    check_choice(parameters, "resolution", ("480P", "720P", "1080P"), "parameters.resolution")
    check_choice(parameters, "ratio", _RATIOS, "parameters.ratio")
    duration = reading.seconds(parameters.get("duration"), "parameters.duration", low=2)
    ratio = reading.ratio(parameters.get("ratio"), "parameters.ratio")
    seed = reading.seed(parameters, "parameters.seed")
    pending_s, ready_s = durations(words, pending_s=3, ready_s=24)
    recipe = Film(words, ratio, duration, seed)
    told = {"duration": duration, "SR": int(str(parameters.get("resolution") or "720P").rstrip("P"))}
    return Order(_VIDEO, model, words, faults.read(model, words), (recipe,), pending_s, ready_s, told)


def _check_media(asked: dict[str, Any]) -> None:
    for name in ("img_url", "audio_url", "first_frame_url", "last_frame_url"):
        if asked.get(name):
            _check_address(asked[name], f"input.{name}")
    media = asked.get("media", [])
    if not isinstance(media, list) or not all(isinstance(entry, dict) for entry in media):
        raise wrong("input.media", "input.media must be a list of objects")
    for place, entry in enumerate(media):
        _check_address(entry.get("url"), f"input.media[{place}].url")


def _check_address(value: object, where: str) -> None:
    if not reading.is_address(value) and not reading.is_data_url(value):
        raise wrong(where, f"{where} must be a public URL or a data URL")


def _provider_time(at: float) -> str:
    """The provider's own time of day, without a zone."""
    moment = datetime.fromtimestamp(min(at, time.time()), UTC).astimezone(_PROVIDER_TIME)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03}"
