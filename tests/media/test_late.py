"""What comes after the deadline, and what is left at it."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.media import cards, followups, orders
from playground.media.models import MediaTask
from tests.media.conftest import Bench, fresh
from tests.media.upstream import Upstream, png

pytestmark = pytest.mark.usefixtures("database")


def test_half_a_song_is_kept_at_the_deadline_and_the_whole_one_when_it_comes_late(
    bench: Bench, upstream: Upstream, key: GatewayKey, owner: User, team: Team
) -> None:
    values = {"customMode": False, "instrumental": True, "model": "V5", "prompt": "a shanty"}
    order = orders.Order("suno.generate", key.pk, uuid.uuid4(), values)
    task = orders.place(order, owner, team)
    upstream.say("/suno/generate", {"code": 200, "data": {"taskId": "so-1"}})
    track = {"id": "t1", "streamAudioUrl": upstream.put("half.png", png()), "audioUrl": ""}
    query = "/suno/query/task?taskId=so-1"
    upstream.say(query, {"code": 200, "data": {"status": "TEXT_SUCCESS", "response": {"sunoData": [track]}}})
    bench.run()
    bench.again()
    assert not fresh(task).assets.exists()
    upstream.say(query, {}, 503)
    MediaTask.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    bench.again(2)
    assert fresh(task).status == "expired"
    half = fresh(task).assets.get()
    assert (half.key, half.source_url) == ("audio:t1:partial", track["streamAudioUrl"])
    shown = cards.outputs_of(fresh(task), list(fresh(task).assets.all()))
    assert [(each.key, each.final) for each in shown] == [("audio:t1:partial", False)]
    whole = track | {"audioUrl": upstream.put("whole.png", png())}
    upstream.say(query, {"code": 200, "data": {"status": "SUCCESS", "response": {"sunoData": [whole]}}})
    assert followups.check_now(fresh(task), owner)
    bench.again(2)
    assets = list(fresh(task).assets.all())
    assert [(each.key, each.final) for each in cards.outputs_of(fresh(task), assets)] == [("audio:t1", True)]
