"""Files behind a route of the gateway: asked for with the key, which goes to the gateway and nowhere else.

A redirect leads to a provider's storage: it is followed without the key, and judged like any link.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urljoin

from playground.gateway.errors import GatewayError
from playground.gateway.request import WireRequest
from playground.gateway.transport import AsyncTransport, join
from playground.media import assets, parts
from playground.media.fetching import SILENT_S, FetchError, Head, check
from playground.media.jobs import Fetch
from playground.media.parts import Part

InFiles = Callable[..., Awaitable[Any]]


async def fetch(job: Fetch, transport: AsyncTransport, in_files: InFiles) -> None:
    """Bring a file here and keep it. Raises FetchError."""
    asset, access = job.asset, job.access
    if await in_files(parts.is_whole, asset.pk):
        await in_files(assets.keep, asset)
        return
    if access.secret is None:
        raise FetchError(access.problem or "There is no key to ask for the file with.")
    try:
        await _brought(job, access.secret.reveal(), transport, in_files)
    except GatewayError as error:
        if error.location:
            url = urljoin(join(access.base_url, asset.source_url), error.location)
            await in_files(assets.fetch_from, asset, url)
            return
        if error.status == 416:
            # It does not say how long the file is: begin anew.
            parts.discard(asset.pk)
        told = f"{error.about.title}. {error.message}".strip()
        raise FetchError(told, dead=error.kind == "not_found") from error
    await in_files(assets.keep, asset)


async def _brought(job: Fetch, secret: str, transport: AsyncTransport, in_files: InFiles) -> None:
    part = Part(job.asset.pk, job.asset.validator)
    try:
        wire = WireRequest("GET", job.asset.source_url, headers=await in_files(part.headers))
        async with transport.open(wire, job.access.base_url, secret) as answer:
            head = Head(answer.status, answer.headers)
            check(head)
            await in_files(part.begin, head)
            await in_files(assets.note_validator, job.asset, part)
            chunks = aiter(answer.chunks)
            while (chunk := await _next(chunks)) is not None:
                await in_files(part.write, chunk)
        await in_files(part.end)
    finally:
        await in_files(part.close)


async def _next(chunks: Any) -> bytes | None:
    try:
        async with asyncio.timeout(SILENT_S):
            chunk: bytes | None = await anext(chunks, None)
            return chunk
    except TimeoutError:
        raise FetchError("The gateway went silent in the middle of the file.") from None
