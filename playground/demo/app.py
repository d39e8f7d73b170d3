"""The demo gateway as an ASGI app: routes, keys and errors."""

import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from itertools import count

from .exchange import Cut, Exchange, Receive, Refused, Scope, Send
from .models import Shelf
from .openai_chat_route import ChatRoute
from .records import Record, Records

KEY = "demo-key"
BODY_LIMIT = 20 * 1024 * 1024

LOG = logging.getLogger("playground.demo")

Route = Callable[[Exchange, Record], Awaitable[None]]


class DemoGateway:
    """One stand-in gateway with its own memory; `speed` multiplies the pace, 0 takes every wait away."""

    def __init__(self, *, speed: float = 1.0, models: int = 0, key: str = KEY) -> None:
        self._key = key.encode()
        self._shelf = Shelf(models)
        self._records = Records()
        self._chat = ChatRoute(self._shelf, speed=speed)
        self._numbers = count(1)
        self._routes: dict[tuple[str, str], Route] = {
            ("GET", "/openai/v1/models"): self._openai_models,
            ("GET", "/anthropic/v1/models"): self._anthropic_models,
            ("POST", "/openai/v1/chat/completions"): self._chat_completions,
            ("GET", "/demo/requests"): self._requests,
            ("GET", "/demo/streams"): self._streams,
            ("GET", "/healthz"): self._health,
        }
        self._paths = {path for _, path in self._routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            exchange = Exchange(scope, receive, send, request_id=f"req_demo_{next(self._numbers):08}")
            await self._answer(exchange)

    async def _answer(self, exchange: Exchange) -> None:
        record = self._record(exchange)
        try:
            await self._route(exchange)(exchange, record)
        except Cut:
            # Returning with the answer unfinished makes the server close the socket.
            return
        except Refused as refused:
            await exchange.reply(refused.status, refused.body(), refused.headers)
        except Exception:
            LOG.exception("The demo gateway failed to answer %s %s", exchange.method, exchange.path)
            if exchange.status is None:
                broken = Refused(500, "The demo gateway failed", type="server_error", code="internal_error")
                await exchange.reply(500, broken.body())
        finally:
            record.status = exchange.status

    def _record(self, exchange: Exchange) -> Record:
        """A line in the list of requests; questions about that list leave none."""
        if exchange.path.startswith("/demo/") or exchange.path == "/healthz":
            return Record(0, exchange.method, exchange.path, [])
        return self._records.add(exchange.method, exchange.path[:300], sorted(exchange.headers))

    def _route(self, exchange: Exchange) -> Route:
        route = self._routes.get((exchange.method, exchange.path))
        if route is not None:
            return route
        if exchange.path in self._paths:
            raise Refused(405, "Method not allowed", code="method_not_allowed")
        raise Refused(404, "No such route", type="not_found_error", code="not_found")

    async def _openai_models(self, exchange: Exchange, record: Record) -> None:
        self._check_bearer(exchange)
        await exchange.reply(200, self._shelf.page(exchange.query, default_limit=1000))

    async def _anthropic_models(self, exchange: Exchange, record: Record) -> None:
        self._check_x_api_key(exchange)
        await exchange.reply(200, self._shelf.page(exchange.query, default_limit=20))

    async def _chat_completions(self, exchange: Exchange, record: Record) -> None:
        self._check_bearer(exchange)
        raw = await exchange.body(BODY_LIMIT)
        record.body_sha256 = hashlib.sha256(raw).hexdigest()
        with self._records.answering() as outcome:
            try:
                outcome.finished = await exchange.while_connected(self._chat(exchange, raw, record))
            except (Cut, Refused):
                outcome.finished = True
                raise

    async def _requests(self, exchange: Exchange, record: Record) -> None:
        self._check_either(exchange)
        await exchange.reply(200, self._records.requests())

    async def _streams(self, exchange: Exchange, record: Record) -> None:
        self._check_either(exchange)
        await exchange.reply(200, self._records.streams())

    async def _health(self, exchange: Exchange, record: Record) -> None:
        await exchange.reply_bytes(200, b"ok", "text/plain")

    def _check_bearer(self, exchange: Exchange) -> None:
        scheme, _, sent = exchange.headers.get("authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(sent.strip(), self._key):
            raise _unauthorised()

    def _check_x_api_key(self, exchange: Exchange) -> None:
        if not hmac.compare_digest(exchange.headers.get("x-api-key", b""), self._key):
            raise _unauthorised()

    def _check_either(self, exchange: Exchange) -> None:
        if "x-api-key" in exchange.headers:
            self._check_x_api_key(exchange)
        else:
            self._check_bearer(exchange)


def _unauthorised() -> Refused:
    return Refused(401, "Invalid or missing API key", type="authentication_error", code="invalid_api_key")


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
