"""The routes that tell figures about a text: embeddings and moderations."""

import base64
import hashlib
import math
import re
from array import array
from typing import Any

from playground.demo.exchange import Exchange
from playground.demo.fields import check_choice, parse, wrong
from playground.demo.pace import estimate
from playground.demo.records import Record

from . import faults, reading
from .openai_errors import NO
from .studio import Studio
from .ways import Way, as_the_gateway, way

_EMBEDDING_MODELS = r"demo-embedding|.*embedding.*|bge.*"
_MODERATION_MODELS = r"demo-moderation|.*moderation.*"
_MOST_INPUTS = 256
_DIMENSIONS = (1, 4096)
_USUAL = 1024
_SIGNS = {
    "harassment": r"idiots?|stupid|insult\w*",
    "harassment/threatening": r"beat you|hurt you|kill you",
    "hate": r"hate\w*|despise",
    "hate/threatening": r"exterminate",
    "illicit": r"shoplift\w*|counterfeit\w*|forge \w+",
    "illicit/violent": r"bombs?|explosives?",
    "self-harm": r"self-harm|suicide",
    "self-harm/intent": r"kill myself|hurt myself",
    "self-harm/instructions": r"how to hurt myself",
    "sexual": r"porn\w*|nude",
    "sexual/minors": r"lolita",
    "violence": r"kill\w*|murder\w*|violence|stab\w*|shoot\w*",
    "violence/graphic": r"blood\w*|gore|mutilat\w*",
}


class OpenAITexts:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def ways(self) -> tuple[Way, ...]:
        return (
            way("POST", "/openai/v1/embeddings", self._embed, as_the_gateway),
            way("POST", "/openai/v1/moderations", self._moderate, as_the_gateway),
        )

    async def _embed(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        body = parse(raw)
        record.note(body, messages="messages")
        model = reading.known_model(body, _EMBEDDING_MODELS)
        texts = _texts(body)
        check_choice(body, "encoding_format", ("float", "base64"))
        size = body.get("dimensions") or _USUAL
        if not isinstance(size, int) or not _DIMENSIONS[0] <= size <= _DIMENSIONS[1]:
            raise wrong("dimensions", f"dimensions must be a whole number from 1 to {_DIMENSIONS[1]}")
        asked = faults.read(model, texts[0])
        if await self._studio.strike(exchange, asked, raw, NO):
            return
        await self._studio.work(0.15, asked)
        packed = body.get("encoding_format") == "base64"
        vectors = [embed(text, size) for text in texts]
        data = [
            {"object": "embedding", "index": place, "embedding": _packed(vector) if packed else vector}
            for place, vector in enumerate(vectors)
        ]
        tokens = sum(estimate(text) for text in texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        await self._studio.answer(
            exchange, {"object": "list", "data": data, "model": model, "usage": usage}, asked
        )

    async def _moderate(self, exchange: Exchange, raw: bytes, record: Record, name: str) -> None:
        body = parse(raw)
        record.note(body, messages="messages")
        model = reading.known_model({"model": "demo-moderation", **body}, _MODERATION_MODELS)
        texts = _texts(body)
        asked = faults.read(model, texts[0])
        if await self._studio.strike(exchange, asked, raw, NO):
            return
        await self._studio.work(0.1, asked)
        results = [_judged(text) for text in texts]
        answer = {"id": f"modr-{exchange.request_id}", "model": model, "results": results}
        await self._studio.answer(exchange, answer, asked)


def embed(text: str, size: int) -> list[float]:
    """A vector of length 1 in which texts with the same words lie close to each other."""
    sums = [0.0] * size
    for word in re.findall(r"\w+", text.lower()[:20_000])[:500] or [""]:
        noise = hashlib.shake_256(word.encode(errors="replace")).digest(size)
        sums = [total + byte - 127.5 for total, byte in zip(sums, noise, strict=True)]
    length = math.sqrt(sum(total * total for total in sums))
    return [round(total / length, 7) for total in sums]


def _packed(vector: list[float]) -> str:
    return base64.b64encode(array("f", vector).tobytes()).decode()


def _texts(body: dict[str, Any]) -> list[str]:
    """One text or several; tokens are taken as they are written, pictures as their place."""
    value = body.get("input")
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST_INPUTS:
        raise wrong("input", f"input is required: a string, or a list of 1 to {_MOST_INPUTS}")
    if all(isinstance(one, int) for one in value):
        value = [value]
    return [_text(one) for one in value]


def _text(one: object) -> str:
    if isinstance(one, str) and one:
        return one
    if isinstance(one, list) and one and all(isinstance(token, int) for token in one):
        return " ".join(str(token) for token in one)
    if isinstance(one, dict) and one.get("type") in ("text", "image_url"):
        return str(one.get("text") or "a picture")
    raise wrong("input", "input must hold texts that are not empty")


def _judged(text: str) -> dict[str, Any]:
    found = {
        name: re.search(rf"\b(?:{signs})\b", text[:20_000], re.I) is not None
        for name, signs in _SIGNS.items()
    }
    return {
        "flagged": any(found.values()),
        "categories": found,
        "category_scores": {name: 0.93 if is_found else 0.0004 for name, is_found in found.items()},
        "category_applied_input_types": {name: ["text"] for name in found},
    }
