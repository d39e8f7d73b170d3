"""A media route as a value: which requests it takes, who answers them, and how its family words a refusal."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from re import Pattern

from playground.demo.exchange import Exchange, Refused
from playground.demo.records import Record

# The last argument is what the path names: a task's id, or nothing.
Handler = Callable[[Exchange, bytes, Record, str], Coroutine[None, None, None]]
Family = Callable[[Exchange, bytes, Record], Coroutine[None, None, None]]
Words = Callable[[Refused, str], Refused]


@dataclass(frozen=True, slots=True)
class Way:
    method: str
    path: Pattern[str]
    handler: Handler
    words: Words

    def bound(self, name: str) -> Family:
        """The handler for one request; what it refuses is put into the family's words."""

        async def answer(exchange: Exchange, raw: bytes, record: Record) -> None:
            try:
                await self.handler(exchange, raw, record, name)
            except Refused as refused:
                raise self.words(refused, exchange.request_id) from refused

        return answer


def way(method: str, path: str, handler: Handler, words: Words) -> Way:
    """`path` may hold one {id}."""
    pattern = re.escape(path).replace(r"\{id\}", "([^/]+)")
    return Way(method, re.compile(pattern), handler, words)


def as_the_gateway(refused: Refused, request_id: str) -> Refused:
    """The gateway's own shape, which the OpenAI routes have too."""
    return refused
