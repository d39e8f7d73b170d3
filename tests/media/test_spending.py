"""A media task and its budgets, and what it made in the unit its price goes by."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Team, User
from playground.media import measures, orders, spending
from playground.media.models import Asset, MediaTask
from playground.ops.models import UsageRecord
from playground.usage import budgets, prices
from playground.usage.models import NANO, Reservation
from playground.usage.prices import Figures
from tests.media.conftest import Bench, Place
from tests.media.upstream import Upstream

SECONDS = Figures(unit="second", per_unit=Decimal("0.5"))


def task(medium: str, **values: object) -> MediaTask:
    return MediaTask(medium=medium, inputs={"values": values})


@pytest.mark.parametrize(
    ("medium", "values", "milli"),
    [
        ("image", {"n": 4}, 4000),
        ("image", {"parameters.n": "2"}, 2000),
        ("image", {}, 1000),
        ("video", {"parameters.duration": "5"}, 5000),
        ("video", {}, None),
        ("video", {"duration": "long"}, None),
        ("music", {"prompt": "x"}, 2000),
        ("speech", {"input": "Hello"}, 5000),
        ("text", {"prompt": "x"}, None),
    ],
)
def test_what_a_form_asks_for_is_counted(medium: str, values: dict[str, object], milli: int | None) -> None:
    assert measures.wanted(task(medium, **values)) == milli


def test_a_video_is_recorded_by_its_seconds_and_a_failed_task_is_unknown(
    database: str, place: Place, bench: Bench, upstream: Upstream
) -> None:
    made = place("a boat on a lake")
    bench.run()
    upstream.finish()
    bench.again(2)
    record = UsageRecord.objects.get(subject=f"task:{made.pk}")
    assert (record.unit, record.units_milli) == ("second", 5000)
    assert measures.made(made, "failed") is None


def test_images_are_counted_by_those_that_came(db: None, team: Team, owner: User) -> None:
    made = MediaTask.objects.create(team=team, user=owner, operation="x", family="kling", medium="image")
    assert measures.made(made, "succeeded") is None
    for number in range(3):
        Asset.objects.create(task=made, ordinal=number, kind="image", key=f"image:{number}")
    assert measures.made(made, "succeeded") == 3000


def test_a_task_without_room_in_a_budget_of_money_is_not_made(
    database: str, place: Place, team: Team, owner: User
) -> None:
    now = timezone.now()
    prices.enter(team, owner, "dashscope", "wan-t2v", now - timedelta(days=1), SECONDS)
    budgets.put(
        team, owner, key=None, person=owner, period="day", measure="money", limit=3 * NANO, warn_percent=80
    )
    values = {"model": "wan-t2v", "input.prompt": "a boat", "parameters.duration": 5}
    made = place(values=values)
    assert Reservation.objects.get(subject=f"task:{made.pk}").nano == 2_500_000_000
    with pytest.raises(orders.Refused, match="2.50 USD are set aside"):
        place(values=values)
    assert MediaTask.objects.count() == 1
    MediaTask.objects.filter(pk=made.pk).update(status="cancelled", ended_at=now)
    spending.sweep(now + budgets.OUT_OF_SIGHT * 2)
    assert not Reservation.objects.exists()
