"""One run from claim to end: ask the gateway, fold what comes, and say it to whoever watches."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from django.conf import settings
from django.utils import timezone

from playground.chat import attempts, fallback, ledger, made, sources
from playground.chat.allowance import Allowance
from playground.chat.arriving import OpenPart
from playground.chat.ledger import Claim, Outcome
from playground.chat.render import PartStream, digest, part_blocks, shown_kind
from playground.chat.whole import TOO_LONG, read_whole
from playground.gateway.assembly import Decoder
from playground.gateway.errors import GatewayError
from playground.gateway.events import Event, MediaReceived, PartClosed, PartDelta, PartOpened
from playground.gateway.retry import next_wait
from playground.gateway.sse import FrameDecoder
from playground.gateway.transcript import Transcript
from playground.gateway.transport import Answer, AsyncTransport
from playground.gateway.wire import FAMILIES
from playground.live.mirror import Op, RunView

log = logging.getLogger(__name__)
WHOLE = frozenset({"application/json", "text/html"})
OWN_FAULT = "The playground itself failed on this answer."
LARGE_BLOCK = 20_000  # characters
# What a stored part may hold beside its text.
KEPT = ("attachment", "alt", "width", "height", "format")
LARGEST_ANSWER = 32 * 1024 * 1024


class Driver:
    """Drives one claimed run. `changed(driver, now)` asks for a flush, at once when `now`; `in_thread` does
    what asks the database.
    """

    def __init__(
        self,
        claim: Claim,
        view: RunView,
        changed: Callable[[Driver, bool], None],
        in_thread: Callable[..., Awaitable[Any]],
    ) -> None:
        self.claim = claim
        self.view = view
        self.changed = changed
        self.in_thread = in_thread
        self.transcript = Transcript()
        self.ops: list[Op] = []
        self.seq = 0
        self.unsaved = False
        self.ending = ""
        self.fetch: asyncio.Task[None] | None = None
        self.allowance = Allowance(claim, in_thread)
        self.attempts: list[dict[str, Any]] = list(claim.row.attempts)
        self._heard = False
        self.request_id = ""
        self.first_token_ms: int | None = None
        self._schema = bool(claim.built and claim.built.request.schema)
        self._pictures: list[tuple[OpenPart, MediaReceived]] = []
        self._made: list[tuple[str, str]] = []
        self._parts: dict[int, OpenPart] = {}
        self._blocks: list[list[str]] = []
        self._texts: list[list[str]] = []
        self._heads: list[tuple[str, str, str]] = []
        self._order: list[OpenPart] = []
        self._resumed: int | None = None
        self._cited_before = [row for row in claim.prefix if sources.is_sources(row)]
        self._began = time.monotonic()
        self._rng = Random()  # noqa: S311 - jitter between retries

    async def drive(self, transport: AsyncTransport) -> Outcome:
        """Ask, and return how it ended; never raises what upstream or a stop can cause."""
        self._say(["status", "running", ""])
        await self._begin_with([row for row in self.claim.prefix if not sources.is_sources(row)])
        error = self.claim.refusal
        if error is None:
            self.fetch = asyncio.create_task(self._ask(transport), name=f"fetch {self.claim.run}")
            if self.ending:
                self.fetch.cancel()
            await asyncio.wait([self.fetch])
            error = self._error_of(self.fetch)
        await self._settle()
        return self._outcome(error)

    def end(self, status: str) -> None:
        """Close the upstream socket now and end as `status` (stopped, interrupted)."""
        self.ending = self.ending or status
        if self.fetch is not None:
            self.fetch.cancel()

    def _error_of(self, fetch: asyncio.Task[None]) -> GatewayError | None:
        if fetch.cancelled():
            return None
        error = fetch.exception()
        if error is None or isinstance(error, GatewayError):
            return error
        log.error("run %s failed here", self.claim.run, exc_info=error)
        return GatewayError("unknown", OWN_FAULT, code=type(error).__name__)

    def broken(self) -> Outcome:
        """The end of a run that a fault of ours broke; its text is kept as it came."""
        error = GatewayError("unknown", OWN_FAULT)
        return Outcome(status="failed", parts=self.parts(), usage=self.transcript.usage, error=error)

    # What goes up

    async def _ask(self, transport: AsyncTransport) -> None:
        try:
            await self._ask_model(transport)
        except GatewayError as error:
            if not await self._fell_back(error):
                raise
            await self._ask_model(transport)

    async def _fell_back(self, error: GatewayError) -> bool:
        """Whether the run's fallback takes over, unasked; kept before anything is sent to it."""
        handed = fallback.steps_in(self.claim.row, self.attempts, error)
        if handed is None:
            return False
        self.attempts[-1] = handed
        self.claim = await self.in_thread(ledger.fall_back, self.claim, [*self.attempts], timezone.now())
        if self.claim.refusal is not None:
            self._note_attempt(time.monotonic(), self.claim.refusal)
            return False
        self._say(["status", "running", attempts.note(handed)], now=True)
        return True

    async def _ask_model(self, transport: AsyncTransport) -> None:
        family, claim = FAMILIES[self.claim.family], self.claim
        if claim.built is None or claim.secret is None:
            raise GatewayError("unknown", "This run has nothing to ask.")
        wire = family.encode(claim.built.request)
        for attempt in itertools.count(1):
            began, self._heard = time.monotonic(), False
            try:
                async with transport.open(wire, claim.base_url, claim.secret.reveal()) as answer:
                    self.request_id = answer.request_id
                    await self._read(answer, streamed=wire.stream)
                self._note_attempt(began, None)
                return
            except GatewayError as error:
                self._note_attempt(began, error)
                wait = None if self.transcript.parts else next_wait(error, attempt, self._rng)
                if wait is None:
                    raise
                note = f"{error.about.title}; trying again in {wait:.0f} s (attempt {attempt + 1})"
                self._say(["status", "running", note], now=True)
                await asyncio.sleep(wait)
                self._say(["status", "running", ""])

    def _note_attempt(self, began: float, error: GatewayError | None) -> None:
        ms, model = round((time.monotonic() - began) * 1000), self.claim.row.answered_by
        self.attempts.append(attempts.tried(model, ms, error, self.request_id, began=self._heard))

    # What comes down

    async def _read(self, answer: Answer, *, streamed: bool) -> None:
        """A stream was asked for and JSON may come, or the other way round: what came decides."""
        family = FAMILIES[self.claim.family]
        if answer.content_type != "text/event-stream" and not (streamed and answer.content_type not in WHOLE):
            self._take(await read_whole(answer, family))
            return
        frames, decoder = FrameDecoder(), family.decoder()
        try:
            async with asyncio.timeout(settings.RUN_DEADLINE_S):
                await self._feed(answer, frames, decoder)
        except (GatewayError, TimeoutError) as caught:
            error = caught if isinstance(caught, GatewayError) else GatewayError("timeout", TOO_LONG)
            if not self.transcript.parts:
                raise error from None
            if error.kind != "network":
                self._take(decoder.broke(error))
            # A broken socket is an end like any other: complete if the reason had come, else interrupted.
        for frame in frames.flush():
            self._take(decoder.feed(frame))
        self._take(decoder.end())

    async def _feed(self, answer: Answer, frames: FrameDecoder, decoder: Decoder) -> None:
        size = 0
        async for chunk in answer.chunks:
            self._heard = True
            for frame in frames.feed(chunk):
                self._take(decoder.feed(frame))
            await self.allowance.hold()
            if self._pictures:
                await self._keep_pictures()
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise GatewayError("protocol", "The answer is larger than 32 MB.", code="too_long")
            if decoder.ended:
                return

    def _take(self, events: list[Event]) -> None:
        for event in events:
            self.transcript.apply(event)
            if isinstance(event, PartDelta):
                self._append(self._parts[event.part], event.text)
            elif isinstance(event, PartOpened):
                self._open(event)
            elif isinstance(event, PartClosed):
                self._close(self._parts[event.part])
            elif isinstance(event, MediaReceived):
                self._pictures.append((self._new_part("image", "", ""), event))

    async def _keep_pictures(self) -> None:
        """A picture is kept as a file before it is shown: what was seen must survive everything.

        One that a stop comes upon is kept again: the same bytes are the same attachment.
        """
        while self._pictures:
            part, event = self._pictures[0]
            row = await self.in_thread(made.keep, event, self.claim.row)
            if "attachment" in row and await asyncio.to_thread(made.comes_back, event.data_b64):
                self._made.append((event.data_b64, row["attachment"]))
            del self._pictures[0]
            part.more = row
            self._texts[part.index] = [row.get("text", "")]
            self._note_first()
            self._add_blocks(part, part_blocks({"kind": "image"} | row))
            self._say(["close", part.index], now=True)
            self.unsaved = True

    def _open(self, event: PartOpened) -> None:
        if event.kind == "text" and self._resumed is not None:
            # A continued answer: the first new text goes on in the part that was cut.
            index, self._resumed = self._resumed, None
            self._parts[event.part] = self._parts[-1]
            self._parts[event.part].index = index
            return
        fits = event.kind == "text" and self._schema
        more = {"format": "json"} if fits else {}
        self._parts[event.part] = self._new_part(event.kind, event.name, event.call_id, more)

    def _new_part(self, kind: str, name: str, call_id: str, more: dict[str, Any] | None = None) -> OpenPart:
        index = len(self._heads)
        self._heads.append((kind, name, call_id))
        self._texts.append([])
        self._blocks.append([])
        shown = shown_kind({"kind": kind} | (more or {}))
        self._say(["open", index, shown, name, call_id])
        part = OpenPart(index, kind, PartStream(shown), time.monotonic(), more=more or {})
        self._order.append(part)
        return part

    def _note_first(self) -> bool:
        """Note the time of the first thing that came, once."""
        if self.first_token_ms is not None:
            return False
        self.first_token_ms = round((time.monotonic() - self._began) * 1000)
        self.ops.append(["first", self.first_token_ms])
        return True

    def _append(self, part: OpenPart, text: str) -> None:
        first = self._note_first()
        self._texts[part.index].append(text)
        self.allowance.wrote(text)
        part.pending += len(text)
        last = self.ops[-1] if self.ops else None
        if last is not None and last[0] == "text" and last[1] == part.index:
            last[2].append(text)
        else:
            self.ops.append(["text", part.index, [text]])
        if part.late or len(text) > LARGE_BLOCK:
            part.late.append(text)
        elif blocks := part.stream.feed(text):
            self._add_blocks(part, blocks)
        self.unsaved = True
        self.changed(self, first)

    def _add_blocks(self, part: OpenPart, blocks: list[str]) -> None:
        part.pending = 0
        self._blocks[part.index] += blocks
        for html in blocks[:-1]:
            self.ops.append(["block", part.index, html, ""])
        self.ops.append(["block", part.index, blocks[-1], part.stream.tail])

    def _close(self, part: OpenPart) -> None:
        part.ms = round((time.monotonic() - part.began) * 1000)
        if not part.late and part.pending <= LARGE_BLOCK:
            self._closed(part, part.stream.close())

    def _closed(self, part: OpenPart, blocks: list[str]) -> None:
        part.closed = True
        if blocks:
            self._add_blocks(part, blocks)
        self._say(["close", part.index])

    async def _settle(self) -> None:
        """What is left when nothing more comes, whyever. A giant list, table or piece takes a second and more
        to render: not on the loop that serves everybody.
        """
        await self._keep_pictures()
        for part in {id(part): part for part in self._parts.values()}.values():
            if not part.closed:
                late, part.late = "".join(part.late), []
                heavy = bool(late) or part.pending > LARGE_BLOCK
                blocks = await asyncio.to_thread(part.rest, late) if heavy else part.rest(late)
                self._closed(part, blocks)
        if row := self._sources():
            part = self._new_part(sources.KIND, "", "")
            self._closed(part, part_blocks(row))

    def _sources(self) -> dict[str, Any] | None:
        return sources.part_of(self.transcript.citations, self._cited_before)

    def _say(self, op: Op, *, now: bool = False) -> None:
        self.ops.append(op)
        self.changed(self, now)

    async def _begin_with(self, prefix: list[dict[str, Any]]) -> None:
        """Repeat what a cut answer already holds; its last text part stays open for more."""
        for row in prefix:
            more = {name: row[name] for name in KEPT if name in row}
            part = self._new_part(row["kind"], row.get("name", ""), row.get("call_id", ""), more)
            if row["kind"] == "image":
                self._add_blocks(part, part_blocks(row))
                self._say(["close", part.index])
                continue
            self._texts[part.index].append(row["text"])
            self.ops.append(["text", part.index, [row["text"]]])
            if blocks := await asyncio.to_thread(part.stream.feed, row["text"]):
                self._add_blocks(part, blocks)
            if row is prefix[-1] and row["kind"] == "text":
                self._resumed = part.index
                self._parts[-1] = part
            else:
                self._close(part)
        self.unsaved = self.unsaved or bool(prefix)

    # What is kept

    def take_ops(self) -> list[Op]:
        """The ops since the last flush, with the gathered text of each joined."""
        ops, self.ops = self.ops, []
        for op in ops:
            if op[0] == "text":
                op[2] = "".join(op[2])
        return ops

    def parts(self) -> list[dict[str, Any]]:
        """The answer so far, as its turn stores it."""
        rows: list[dict[str, Any]] = []
        for (kind, name, call_id), pieces, part in zip(self._heads, self._texts, self._order, strict=True):
            if kind == sources.KIND:
                continue
            pieces[:] = ["".join(pieces)]
            row: dict[str, Any] = {"kind": kind, "text": pieces[0]}
            if kind == "tool_call":
                row |= {"name": name, "call_id": call_id}
            elif kind == "thinking":
                row |= {"ms": part.ms} if part.ms is not None else {}
                row |= {"name": name} if name else {}
            rows.append(row | part.more)
        # Last, and already while the answer is written: a run that dies has kept them too.
        cited = self._sources()
        return [*rows, cited] if cited else rows

    def digest(self) -> str:
        return digest(html for blocks in self._blocks for html in blocks)

    def _outcome(self, error: GatewayError | None) -> Outcome:
        folded = self.transcript
        failure = folded.failure
        if error is None and failure is not None:
            error = GatewayError(
                failure.kind, failure.message, code=failure.code, status=200, request_id=self.request_id
            )
        status = self.ending if self.ending and folded.finished is None else "failed" if error else "finished"
        return Outcome(
            status=status,
            parts=self.parts(),
            usage=folded.usage,
            first_token_ms=self.first_token_ms,
            served_model=folded.model,
            upstream_id=folded.response_id,
            request_id=self.request_id,
            reason=folded.reason,
            raw_reason=folded.raw_reason,
            native=made.without_pictures(folded.native, self._made),
            error=error if status == "failed" else None,
            attempts=tuple(self.attempts),
        )
