"""Sends the callbacks: three stages of a song, one of all else, and the disorder that was wished for."""

import asyncio
import secrets
import ssl
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from playground.demo.exchange import json_bytes

from .suno_answers import callback
from .suno_jobs import Job, Jobs

KEPT = 50
RETRIES = 3

_PATIENCE_S = 15.0
_RETRY_AFTER_S = 2.0
_LATE_S = 30.0
# Names that are for examples only (RFC 2606): what a deployment without a public address sends.
_EXAMPLES = (".test", ".example", ".invalid", "example.com", "example.net", "example.org")


@dataclass(slots=True)
class Delivery:
    """One callback as GET /demo/callbacks shows it: never its address. `status` is the last answer's."""

    task_id: str
    stage: str
    attempts: int = 0
    status: int | None = None


class Messenger:
    """One background task for each task of the gateway that has somebody to tell."""

    def __init__(self, jobs: Jobs, *, speed: float) -> None:
        self._jobs = jobs
        self._speed = speed
        # asyncio itself holds its tasks only weakly.
        self._running: set[asyncio.Task[None]] = set()
        self._last: deque[Delivery] = deque(maxlen=KEPT)

    def follow(self, job: Job) -> None:
        address = job.body.get("callBackUrl")
        if not address or _is_example(address) or "demo-callback-never" in job.wishes:
            return
        task = asyncio.create_task(self._tell(job, address))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def deliveries(self) -> dict[str, Any]:
        return {"data": [asdict(delivery) for delivery in self._last], "open": len(self._running)}

    async def _tell(self, job: Job, address: str) -> None:
        bodies: list[tuple[str, dict[str, Any]]] = []
        for number, stage in enumerate(job.plan):
            await self._reached(job, number)
            body = callback(job, stage)
            if body is None:
                continue
            bodies.append((stage.status, body))
            if not job.wishes & {"demo-callback-reversed", "demo-callback-late"}:
                await self._send(job, address, *bodies.pop())
        if "demo-callback-late" in job.wishes:
            await self._reached(job, len(job.plan))
            await self._wait(_LATE_S)
        if "demo-callback-reversed" in job.wishes:
            bodies.reverse()
        for status, body in bodies:
            await self._send(job, address, status, body)

    async def _reached(self, job: Job, number: int) -> None:
        """Wait for a stage; the number after the last one means that a query has told of the last."""
        if not job.by_query:
            number = min(number, len(job.plan) - 1)
            await self._wait(job.due_s(number) - (self._jobs.now() - job.began) * self._speed)
            return
        while job.asked < number:
            job.moved.clear()
            await job.moved.wait()

    async def _send(self, job: Job, address: str, status: str, body: dict[str, Any]) -> None:
        if "demo-callback-forged" in job.wishes:
            await self._deliver(job, address, f"forged {status}", _forged(job, body))
        for _ in range(2 if "demo-callback-twice" in job.wishes else 1):
            await self._deliver(job, address, status, json_bytes(body))

    async def _deliver(self, job: Job, address: str, status: str, body: bytes) -> None:
        delivery = Delivery(job.id, status)
        self._last.append(delivery)
        for attempt in range(1 + RETRIES):
            if attempt:
                await self._wait(_RETRY_AFTER_S * attempt)
            delivery.attempts += 1
            delivery.status = await post(address, body)
            if delivery.status is not None and delivery.status < 300:
                return

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed if self._speed and seconds > 0 else 0)


def _is_example(address: str) -> bool:
    host = (urlsplit(address).hostname or "").rstrip(".")
    return host.endswith(_EXAMPLES)


def _forged(job: Job, body: dict[str, Any]) -> bytes:
    """The same news of a task that does not exist."""
    return json_bytes(body).replace(job.id.encode(), secrets.token_hex(16).encode())


async def post(address: str, body: bytes) -> int | None:
    """POST JSON; the status of the answer, or None where none came in time. Follows no redirect."""
    parts = urlsplit(address)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await _exchange(parts, body)
    except (OSError, ValueError, TimeoutError):
        return None


async def _exchange(parts: SplitResult, body: bytes) -> int:
    secure = parts.scheme == "https"
    reader, writer = await asyncio.open_connection(
        parts.hostname,
        parts.port or (443 if secure else 80),
        ssl=ssl.create_default_context() if secure else None,
    )
    try:
        writer.write(_head(parts, len(body)) + body)
        await writer.drain()
        line = await reader.readline()
        # Reading to the end lets the receiver finish its answer in peace.
        await reader.read(65_536)
        return int(line.split()[1])
    except IndexError:
        raise ValueError("not an HTTP answer") from None
    finally:
        writer.close()


def _head(parts: SplitResult, length: int) -> bytes:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~?")
    host = parts.netloc.rpartition("@")[2]
    lines = (
        f"POST {path} HTTP/1.1",
        f"host: {host}",
        "user-agent: demo-gateway",
        "content-type: application/json",
        f"content-length: {length}",
        "connection: close",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")
