"""What decoding costs: one delta from bytes to fold in every family, and how it grows with the length.

The streams are as each family sends them, one frame a chunk as they come from a socket; a person's
question and the network are not in it.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median
from typing import Any

from benchmarks.rows import Figure, Plan, row
from benchmarks.stage import Stage
from playground.gateway.sse import FrameDecoder
from playground.gateway.transcript import Transcript
from playground.gateway.wire import FAMILIES
from playground.gateway.wire.family import Family

TOKENS = (
    "The",
    " gateway",
    " routes",
    " calls",
    ",",
    " 12.5",
    " of",
    " them",
    '."',
    "\n\n",
    "- ",
    " caf\u00e9",
)
LONG, SHORT = 20_000, 2_000
MIB = 1024 * 1024
BIG, SMALL = 8 * MIB, MIB
SOCKET_READ = 65_536
BAR_US = 10.0
# A cost a token or byte that grows by more than this between the two lengths is not linear.
STRAIGHT = 1.5


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer as chunks of bytes; `deltas` are those between the opening and the ending."""

    opening: bytes
    deltas: list[bytes]
    ending: bytes


def data(value: Any, event: str = "") -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return (f"event: {event}\n" if event else "").encode() + f"data: {text}\n\n".encode()


def openai_chat(tokens: list[str]) -> Stream:
    def chunk(delta: dict[str, str], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
        return data(head | {"choices": [choice]})

    deltas = [chunk({"content": token}) for token in tokens]
    return Stream(
        chunk({"role": "assistant", "content": ""}), deltas, chunk({}, "stop") + b"data: [DONE]\n\n"
    )


def openai_responses(tokens: list[str]) -> Stream:
    def event(kind: str, **fields: Any) -> bytes:
        return data({"type": kind, "sequence_number": 1} | fields, kind)

    place = {"item_id": "msg_bench", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "".join(tokens), "annotations": []}
    item = {"id": "msg_bench", "type": "message", "role": "assistant", "status": "completed"}
    begun = event("response.output_item.added", output_index=0, item=item | {"content": []})
    begun += event("response.content_part.added", part=part | {"text": ""}, **place)
    deltas = [event("response.output_text.delta", delta=token, logprobs=[], **place) for token in tokens]
    about = {"id": "resp_bench", "object": "response", "model": "bench", "status": "completed"}
    over = event("response.output_item.done", output_index=0, item=item | {"content": [part]})
    over += event("response.completed", response=about | {"output": [item | {"content": [part]}]})
    created = event("response.created", response=about | {"status": "in_progress", "output": []})
    return Stream(created + begun, deltas, over)


def anthropic(tokens: list[str]) -> Stream:
    def event(kind: str, **fields: Any) -> bytes:
        return data({"type": kind} | fields, kind)

    message = {"id": "msg_bench", "type": "message", "role": "assistant", "model": "bench", "content": []}
    opening = event("message_start", message=message | {"usage": {"input_tokens": 9, "output_tokens": 1}})
    opening += event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    deltas = [
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": token}) for token in tokens
    ]
    ending = event("content_block_stop", index=0)
    ending += event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": len(tokens)})
    return Stream(opening, deltas, ending + event("message_stop"))


def gemini(tokens: list[str]) -> Stream:
    def chunk(number: int, text: str, **more: str) -> bytes:
        counts = {"promptTokenCount": 9, "candidatesTokenCount": number, "totalTokenCount": 9 + number}
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
        about = {"usageMetadata": counts, "modelVersion": "bench", "responseId": "bench"}
        return data({"candidates": [candidate | more]} | about)

    deltas = [chunk(number, token) for number, token in enumerate(tokens)]
    return Stream(b": ready\n\n", deltas, chunk(len(tokens), "", finishReason="STOP"))


STREAMS: dict[str, Callable[[list[str]], Stream]] = {
    "openai_chat": openai_chat,
    "openai_responses": openai_responses,
    "anthropic": anthropic,
    "gemini": gemini,
}


class Reader:
    """Bytes to fold, as a run does it."""

    def __init__(self, family: Family) -> None:
        self.frames, self.decoder, self.transcript = FrameDecoder(), family.decoder(), Transcript()

    def take(self, chunk: bytes) -> None:
        for frame in self.frames.feed(chunk):
            for event in self.decoder.feed(frame):
                self.transcript.apply(event)

    def end(self, expected: str) -> None:
        for event in self.decoder.end():
            self.transcript.apply(event)
        if self.transcript.finished is None or self.transcript.text != expected:
            raise RuntimeError("the answer was not read as it was sent")


def per_delta_us(family: Family, count: int) -> tuple[list[float], float]:
    """What each delta of an answer took, and the whole of it with its ending, a token."""
    tokens = list(islice(cycle(TOKENS), count))
    stream, reader = STREAMS[family.key](tokens), Reader(family)
    clock, took = time.perf_counter_ns, []
    began = clock()
    reader.take(stream.opening)
    for chunk in stream.deltas:
        at = clock()
        reader.take(chunk)
        took.append((clock() - at) / 1000)
    reader.take(stream.ending)
    reader.end("".join(tokens))
    return took, (clock() - began) / 1000 / count


def per_byte_ns(family: Family, size: int) -> float:
    """One delta of this many characters in one frame, in the pieces a socket gives."""
    text = "QUJD" * (size // 4)
    stream, reader = STREAMS[family.key]([text]), Reader(family)
    frame = stream.deltas[0]
    pieces = [frame[at : at + SOCKET_READ] for at in range(0, len(frame), SOCKET_READ)]
    reader.take(stream.opening)
    began = time.perf_counter_ns()
    for piece in pieces:
        reader.take(piece)
    took = time.perf_counter_ns() - began
    reader.take(stream.ending)
    reader.end(text)
    return took / len(frame)


@row("decode")
def decode(stage: Stage, plan: Plan) -> list[Figure]:
    repeats = plan.some(5, 2)
    costs, tokens, frames = [], [], []
    for family in FAMILIES.values():
        gc.collect()
        runs = [per_delta_us(family, LONG) for _ in range(repeats)]
        cost = min(median(took) for took, _ in runs)
        costs.append(
            Figure(
                f"decoding a delta, bytes to fold, {family.label}", f"{cost:.1f} µs", "10 µs", cost < BAR_US
            )
        )
        short = min(per_delta_us(family, SHORT)[1] for _ in range(repeats * 4))
        tokens.append((family.label, min(whole for _, whole in runs) / short))
        small = min(per_byte_ns(family, SMALL) for _ in range(repeats))
        frames.append((family.label, min(per_byte_ns(family, BIG) for _ in range(repeats)) / small))
    return [
        *costs,
        growth("decoding a token of a 20,000-token answer, against 2,000", tokens),
        growth("decoding a byte of an 8 MiB frame, against 1 MiB", frames),
    ]


def growth(what: str, ratios: list[tuple[str, float]]) -> Figure:
    said = ", ".join(f"{label} {ratio:.2f}x" for label, ratio in ratios)
    return Figure(what, said, "linear", all(ratio < STRAIGHT for _, ratio in ratios))
