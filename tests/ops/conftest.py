"""What the tests of keys and models share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from django.conf import LazySettings

from accounts.models import GatewayKey, Team, User
from playground.gateway.transport import Transport
from playground.ops import catalog
from tests._servers import cast
from tests.ops.gateway import Gateway, serve


@pytest.fixture
def gateway(settings: LazySettings) -> Iterator[Gateway]:
    """A gateway on loopback, the first of the addresses this site allows; no model yet."""
    gateway = Gateway()
    server = serve(gateway)
    gateway.lists()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    settings.GATEWAY_URLS = [gateway.url, "https://gateway.example"]
    yield gateway
    catalog.shared_transport().close()
    catalog.shared_transport.cache_clear()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport()
    yield transport
    transport.close()


@pytest.fixture
def make_key(owner: User, team: Team, gateway: Gateway) -> Callable[..., GatewayKey]:
    def make(label: str = "Mine", user: User = owner, secret: str = "sk-of-the-test-0000") -> GatewayKey:
        return cast.seal_key(user, team, label=label, base_url=gateway.url, secret=secret)

    return make
