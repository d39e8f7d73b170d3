"""The demo gateway as an ASGI app: routes, keys and errors."""

import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Coroutine
from itertools import count

from .anthropic_route import MessagesRoute
from .exchange import Cut, Exchange, Receive, Refused, Scope, Send, not_allowed
from .gemini_errors import in_gemini_words
from .gemini_route import GeminiRoute, is_gemini
from .media.routes import MediaRoutes, is_asset
from .models import Shelf
from .openai_chat_route import ChatRoute
from .openai_responses_route import ResponsesRoute, is_stored
from .records import Record, Records
from .shapes import shaped

KEY = "demo-key"
BODY_LIMIT = 20 * 1024 * 1024

LOG = logging.getLogger("playground.demo")

Route = Callable[[Exchange, Record], Awaitable[None]]
Family = Callable[[Exchange, bytes, Record], Coroutine[None, None, None]]


class DemoGateway:
    """One stand-in gateway with its own memory; `speed` multiplies the pace, 0 takes every wait away."""

    def __init__(self, *, speed: float = 1.0, models: int = 0, key: str = KEY) -> None:
        self._key = key.encode()
        self._shelf = Shelf(models)
        self._records = Records()
        self._chat = ChatRoute(self._shelf, speed=speed)
        self._responses = ResponsesRoute(self._shelf, speed=speed)
        self._messages = MessagesRoute(self._shelf, speed=speed)
        self._gemini = GeminiRoute(self._shelf, speed=speed)
        self._media = MediaRoutes(self._shelf, speed=speed)
        self._numbers = count(1)
        self._routes: dict[tuple[str, str], Route] = {
            ("GET", "/openai/v1/models"): self._openai_models,
            ("GET", "/anthropic/v1/models"): self._anthropic_models,
            ("POST", "/openai/v1/chat/completions"): self._with_bearer(self._chat),
            ("POST", "/openai/v1/responses"): self._with_bearer(self._responses),
            ("POST", "/anthropic/v1/messages"): self._with_x_api_key(self._messages),
            ("POST", "/anthropic/v1/messages/count_tokens"): self._with_x_api_key(self._messages.count),
            ("GET", "/demo/requests"): self._requests,
            ("GET", "/demo/streams"): self._streams,
            ("GET", "/demo/tasks"): self._tasks,
            ("GET", "/demo/callbacks"): self._callbacks,
            ("GET", "/healthz"): self._health,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            exchange = Exchange(scope, receive, send, request_id=f"req_demo_{next(self._numbers):08}")
            await self._answer(exchange)

    async def _answer(self, exchange: Exchange) -> None:
        record = self._record(exchange)
        try:
            await self._found(exchange)(exchange, record)
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
        about = exchange.path.startswith("/demo/") and not is_asset(exchange.path)
        if about or exchange.path == "/healthz":
            return Record(0, exchange.method, exchange.path, [])
        return self._records.add(exchange.method, exchange.path[:300], sorted(exchange.headers))

    def _found(self, exchange: Exchange) -> Route:
        try:
            return self._route(exchange)
        except Refused as refused:
            raise shaped(refused, exchange.path, exchange.request_id) from None

    def _route(self, exchange: Exchange) -> Route:
        route = self._routes.get((exchange.method, exchange.path))
        if route is not None:
            return route
        if is_gemini(exchange.path) and exchange.method == "POST":
            return self._generate_content
        if is_stored(exchange.path) and exchange.method == "GET":
            return self._stored_response
        if is_asset(exchange.path):
            return self._asset
        if media := self._media.find(exchange.method, exchange.path):
            return self._with_bearer(media)
        if is_gemini(exchange.path):
            raise not_allowed("POST")
        if is_stored(exchange.path):
            raise not_allowed("GET")
        if methods := [method for method, path in self._routes if path == exchange.path]:
            raise not_allowed(*methods)
        raise Refused(404, "No such route", type="not_found_error", code="not_found")

    async def _openai_models(self, exchange: Exchange, record: Record) -> None:
        self._check_bearer(exchange)
        await exchange.reply(200, self._shelf.page(exchange.query, default_limit=1000))

    async def _anthropic_models(self, exchange: Exchange, record: Record) -> None:
        self._check_header(exchange, "x-api-key")
        await exchange.reply(200, self._shelf.page(exchange.query, default_limit=20))

    async def _stored_response(self, exchange: Exchange, record: Record) -> None:
        self._check_bearer(exchange)
        await exchange.reply(200, self._responses.stored(exchange.path))

    def _with_bearer(self, family: Family) -> Route:
        async def route(exchange: Exchange, record: Record) -> None:
            self._check_bearer(exchange)
            await self._answer_with(family, exchange, record)

        return route

    def _with_x_api_key(self, family: Family) -> Route:
        async def route(exchange: Exchange, record: Record) -> None:
            self._check_header(exchange, "x-api-key")
            await self._answer_with(family, exchange, record)

        return route

    async def _generate_content(self, exchange: Exchange, record: Record) -> None:
        try:
            self._check_bearer_or(exchange, "x-goog-api-key")
            await self._answer_with(self._gemini, exchange, record)
        except Refused as refused:
            raise in_gemini_words(refused) from refused

    async def _asset(self, exchange: Exchange, record: Record) -> None:
        """Files are for whoever knows their address, as in the providers' storage."""
        await self._answer_with(self._media.send_asset, exchange, record)

    async def _answer_with(self, family: Family, exchange: Exchange, record: Record) -> None:
        try:
            raw = await exchange.body(BODY_LIMIT)
        except Refused as refused:
            raise shaped(refused, exchange.path, exchange.request_id) from None
        record.body_sha256 = hashlib.sha256(raw).hexdigest() if raw else None
        with self._records.answering() as outcome:
            try:
                outcome.finished = await exchange.while_connected(family(exchange, raw, record))
            except (Cut, Refused):
                outcome.finished = True
                raise

    async def _requests(self, exchange: Exchange, record: Record) -> None:
        self._check_bearer_or(exchange, "x-api-key")
        await exchange.reply(200, self._records.requests())

    async def _streams(self, exchange: Exchange, record: Record) -> None:
        self._check_bearer_or(exchange, "x-api-key")
        await exchange.reply(200, self._records.streams())

    async def _tasks(self, exchange: Exchange, record: Record) -> None:
        self._check_bearer_or(exchange, "x-api-key")
        await exchange.reply(200, self._media.tasks())

    async def _callbacks(self, exchange: Exchange, record: Record) -> None:
        self._check_bearer_or(exchange, "x-api-key")
        await exchange.reply(200, self._media.callbacks())

    async def _health(self, exchange: Exchange, record: Record) -> None:
        await exchange.reply_bytes(200, b"ok", "text/plain")

    def _check_bearer(self, exchange: Exchange) -> None:
        scheme, _, sent = exchange.headers.get("authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(sent.strip(), self._key):
            raise _unauthorised()

    def _check_header(self, exchange: Exchange, name: str) -> None:
        if not hmac.compare_digest(exchange.headers.get(name, b""), self._key):
            raise _unauthorised()

    def _check_bearer_or(self, exchange: Exchange, name: str) -> None:
        if name in exchange.headers:
            self._check_header(exchange, name)
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
