"""The page's one stream tells of check runs, each version once, and only the team that they are of."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.live.hub import team_channel
from playground.verify import feed, runs
from playground.verify.models import CheckRun
from playground.verify.table import named
from tests._servers.site import Site, Visitor
from tests.media.test_feed import events
from tests.verify.conftest import HERE


class Ear:
    """Stands for the hub: what it is given to tell."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def feed(self, channel: str, data: dict[str, Any]) -> None:
        self.told.append((channel, data))


@pytest.fixture
def begun(owner: User, team: Team, key: GatewayKey) -> CheckRun:
    return runs.begin(owner, team, key, named(["key"]), {})


def test_each_version_of_a_run_is_told_once_and_its_state_to_the_chip(begun: CheckRun, team: Team) -> None:
    ear = Ear()
    told: feed.Told = {}
    hub: Any = ear

    def look() -> None:
        feed.tell(hub, feed.changed([team.pk]), told)

    look()
    kinds = [(data["kind"], data.get("state")) for _, data in ear.told]
    assert kinds == [("check", "queued"), ("activity", None)]
    assert {channel for channel, _ in ear.told} == {team_channel(team.pk)}
    look()
    assert len(ear.told) == 2
    assert runs.take(begun.pk, HERE, timezone.now())
    runs.drive(begun.pk, HERE)
    look()
    assert ear.told[2][1]["state"] == "passed"
    assert ear.told[2][1]["version"] > ear.told[0][1]["version"]


def test_what_changed_long_ago_or_in_another_team_is_not_told(
    begun: CheckRun, team: Team, stranger: User
) -> None:
    assert feed.changed([stranger.personal_team.pk]) == []
    assert feed.changed([team.pk], timezone.now() + timedelta(minutes=1)) == []
    assert [row[1] for row in feed.changed([team.pk])] == [begun.pk]


def test_a_page_hears_of_a_run_by_its_stream(
    site: Callable[..., Site], signed_in: Callable[..., Visitor], mode: str
) -> None:
    place = site(mode)
    visitor = signed_in(place)
    keys = re.search(r'<select id="verify-key".*?</select>', visitor.get("/verify/").text, re.DOTALL)
    assert keys
    key = re.findall(r'value="([0-9a-f-]{36})"', keys[0])[0]
    with visitor.stream("GET", "/chat/live") as response:
        told = events(response.iter_lines())
        assert next(told)[0] == "ready"
        made = visitor.post("/verify/start", data={"key": key, "one": "key"})
        heard = next(data for name, data in told if name == "feed" and data["kind"] == "check")
        assert heard["run"] in str(made.url)
