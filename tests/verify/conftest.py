"""A key on the demo gateway with its models listed, and runs that are driven by hand."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.gateway.transport import Transport
from playground.media import orders
from playground.ops import catalog
from playground.verify import runs, setups
from playground.verify.models import CheckResult, CheckRun
from playground.verify.table import CHECKS, named
from tests._servers import cast
from tests.media.conftest import Bench

HERE = "the test"
FREE_AND_CHEAP = [check.name for check in CHECKS if check.cost != "paid"]


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    """The runs a worker was told of; none is there."""
    rung: list[uuid.UUID] = []
    monkeypatch.setattr(runs, "tell_worker", rung.append)
    monkeypatch.setattr(orders, "tell_worker", lambda task: None)
    return rung


@pytest.fixture
def key(owner: User, team: Team, demo: str, settings: LazySettings) -> GatewayKey:
    """The team's key of the demo gateway, its models listed."""
    settings.DEMO_URL, settings.GATEWAY_URLS = demo, ["https://a.example", "https://b.example", demo]
    key = cast.seal_key(owner, team, label="Main", base_url=demo, secret="demo-key")
    GatewayKey.objects.filter(pk=key.pk).update(shared=True)
    key.refresh_from_db()
    transport = Transport()
    try:
        assert catalog.refresh(key, transport, timezone.now()).ok
    finally:
        transport.close()
    return key


Rows = Mapping[str, CheckResult]
Verify = Callable[..., Rows]


@pytest.fixture
def verify(owner: User, team: Team, key: GatewayKey, settings: LazySettings, tmp_path: Any) -> Verify:
    """`verify(names, **models)`: a run of these checks to its end, as rows by name."""
    settings.MEDIA_ROOT = str(tmp_path / "media")

    def rest(seconds: float) -> None:
        Bench().again()

    def run(names: list[str], **models: str) -> Rows:
        told = setups.chosen(key) | {name.replace("__", "."): model for name, model in models.items()}
        begun = runs.begin(owner, team, key, named(names), told)
        assert runs.take(begun.pk, HERE, timezone.now())
        runs.drive(begun.pk, HERE, rest=rest)
        return {row.name: row for row in CheckResult.objects.filter(run=begun).select_related("run")}

    return run


def last_run() -> CheckRun:
    return CheckRun.objects.latest("created_at")
