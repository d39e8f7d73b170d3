"""An answer that comes in one piece, and what of it can be read when it breaks off."""

from __future__ import annotations

import asyncio

from django.conf import settings

from playground.gateway.errors import GatewayError
from playground.gateway.events import Event, Failed, Finished, MediaReceived, PartOpened
from playground.gateway.salvage import mended
from playground.gateway.transport import LARGEST_BODY, Answer
from playground.gateway.wire.family import Family

TOO_LONG = "The answer took longer than this playground waits in all."


async def read_whole(answer: Answer, family: Family) -> list[Event]:
    """The events of the whole answer; of one that broke off, what came and then the failure.

    Raises GatewayError when nothing of it can be read. That is never a reason to ask again: bytes of an
    answer had come, so it may have been charged.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(settings.RUN_DEADLINE_S):
            async for chunk in answer.chunks:
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise GatewayError("protocol", "The answer is too large to read.", code="too_long")
    except TimeoutError:
        late = GatewayError("timeout", TOO_LONG, code="too_long")
        return await asyncio.to_thread(_begun, bytes(body), family, late)
    except GatewayError as error:
        if error.kind not in ("network", "timeout"):
            raise
        return await asyncio.to_thread(_begun, bytes(body), family, error)
    return family.decode_whole(bytes(body))


def _begun(body: bytes, family: Family, error: GatewayError) -> list[Event]:
    if not body.strip():
        raise error
    whole = mended(body)
    events = family.decode_whole(whole) if whole is not None else []
    if whole == body and isinstance(events[-1], Finished):
        return events
    said = [event for event in events if not isinstance(event, (Finished, Failed))]
    came = f"{len(body):,} byte{'' if len(body) == 1 else 's'} had come"
    if not any(isinstance(event, (PartOpened, MediaReceived)) for event in said):
        raise GatewayError("protocol", f"{error.message} {came}, of which nothing can be read.".strip())
    kind = "timeout" if error.kind == "timeout" else "interrupted"
    return [*said, Failed(kind, f"{error.message} {came}; what can be read of them is kept.".strip())]
