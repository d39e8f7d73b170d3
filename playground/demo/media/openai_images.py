"""POST /openai/v1/images/generations: pictures in one go, as addresses or as base64 (contract section 8)."""

import base64
import time
from typing import Any

from playground.demo.exchange import Exchange
from playground.demo.fields import check_choice, check_strings, parse
from playground.demo.pace import estimate
from playground.demo.records import Record

from . import faults, reading
from .openai_errors import FAILED, NO
from .recipes import Picture
from .studio import DAY_S, Studio
from .ways import Way, as_the_gateway, way

_MODELS = r"demo-image|kling.*|gpt-image.*|dall-e.*|qwen-image.*|gemini.*image.*|imagen.*|wan.*|seedream.*"
# These never answer with addresses.
_INLINE = ("gpt-image",)
_IMAGE_TOKENS = 1056
_WORK_S = 3.0


class OpenAIImages:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def ways(self) -> tuple[Way, ...]:
        return (way("POST", "/openai/v1/images/generations", self._generate, as_the_gateway),)

    async def _generate(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        body = parse(raw)
        record.note(body, messages="messages")
        model = reading.known_model(body, _MODELS)
        words = reading.prompt(body)
        check_strings(body, ("quality", "style", "background", "output_format", "user"))
        check_choice(body, "response_format", ("url", "b64_json"))
        pictures = _pictures(body, words)
        asked = faults.read(model, words)
        if await self._studio.strike(exchange, asked, raw, NO):
            return
        await self._studio.work(_WORK_S, asked)
        if asked.ending in ("failed", "refused", "cancelled"):
            raise NO.content() if asked.ending == "refused" else FAILED
        inline = body.get("response_format") == "b64_json" or model.startswith(_INLINE)
        if inline:
            data = await self._inline(pictures, empty=asked.ending == "empty")
        else:
            urls = self._studio.publish(exchange, pictures, asked, lives_s=DAY_S)
            data = [{"url": url, "revised_prompt": words} for url in urls]
        answer = {"created": int(time.time()), "data": data, "usage": _usage(words, len(data))}
        await self._studio.answer(exchange, answer, asked)

    async def _inline(self, pictures: tuple[Picture, ...], *, empty: bool) -> list[dict[str, Any]]:
        if empty:
            return []
        made = [await self._studio.server.bytes_of(picture) for picture in pictures]
        return [{"b64_json": base64.b64encode(data).decode()} for data in made]


def _pictures(body: dict[str, Any], words: str) -> tuple[Picture, ...]:
    width, height = reading.pixels(body.get("size"), "size", sign="x", usual=(1024, 1024))
    count = reading.many(body.get("n"), "n", most=10)
    return tuple(Picture(words, width, height, str(number)) for number in range(count))


def _usage(words: str, count: int) -> dict[str, Any]:
    asked, made = estimate(words), _IMAGE_TOKENS * count
    return {
        "input_tokens": asked,
        "input_tokens_details": {"text_tokens": asked, "image_tokens": 0},
        "output_tokens": made,
        "total_tokens": asked + made,
    }
