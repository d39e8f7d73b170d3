"""Serves the demo gateway with uvicorn: python -m playground.demo --port 8001."""

import argparse
import logging
import math
import os
import signal
import socket
import struct
import sys
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .app import KEY, DemoGateway
from .exchange import RESET, Receive, Scope, Send

# Seconds of silence, seconds between questions, unanswered questions. Not every system has each of them.
_KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol with one addition: the app may reset its connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {**scope.get("extensions", {}), RESET: self._reset}
            await inner(scope, receive, send)

        self.app = app

    def _reset(self) -> None:
        """Close so that the peer sees a reset instead of an end."""
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()


def main(arguments: list[str]) -> int:
    try:
        options = _options(arguments)
        listening = _listen(options.host, options.port)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"demo gateway: {error}\n")
        return 1
    app = DemoGateway(speed=options.speed, models=options.models)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"demo gateway: http://{shown}:{port} key: {KEY}\n")
    sys.stdout.flush()
    _serve(app, listening)
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m playground.demo", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=_whole("DEMO_PORT", 8001), help="0 takes any free port")
    parser.add_argument("--models", type=int, default=_whole("DEMO_MODELS", 0), help="rows of the model list")
    parser.add_argument("--speed", type=float, default=_speed(), help="multiplies the pace")
    parser.add_argument("--fast", dest="speed", action="store_const", const=0.0, help="no waits at all")
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65535:
        raise ValueError(f"the port must be from 0 to 65535, not {options.port}")
    if not 0 <= options.speed < math.inf:
        raise ValueError("the speed must be a number of 0 or more; 0 takes every wait away")
    return options


def _whole(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip()
    if text and not text.isascii() or text and not text.isdigit():
        raise ValueError(f"{name} must be a whole number, not {text!r}")
    return int(text) if text else default


def _speed() -> float:
    text = os.environ.get("DEMO_SPEED", "").strip()
    try:
        return float(text) if text else 1.0
    except ValueError:
        raise ValueError(f"DEMO_SPEED must be a number, not {text!r}") from None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port} ({os.strerror(error.errno or 0)})") from None
    # What is accepted inherits it: a caller that went without a word holds no stream for ever.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        if hasattr(socket, name):
            listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return listening


def _serve(app: DemoGateway, listening: socket.socket) -> None:
    # The faults leave answers unfinished on purpose; uvicorn would report each as an error.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        app,
        http=Protocol,
        lifespan="on",
        ws="none",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        # Open streams are not waited for: whoever ends the demo wants it to end.
        timeout_graceful_shutdown=0,
    )
    server = uvicorn.Server(config)
    # uvicorn raises the signal that ended it once more; without a handler that would be the exit code.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listening])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
