"""Settings → Audit: filters, pages by key, and an export no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import AsyncClient, Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts import audit, audit_log
from accounts.models import AuditEvent, Team, User

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def page(client: Client, owner: User, team: Team) -> Client:
    client.force_login(owner)
    client.post(reverse("switch-team"), {"team": str(team.pk)})
    return client


@pytest.fixture
def events(owner: User, mate: User, stranger: User, team: Team) -> list[AuditEvent]:
    """Three a day, and one of another team."""
    told = (
        (owner, "key.add", "Production (…wxyz)", 0),
        (mate, "key.test", "Production (…wxyz)", 1),
        (owner, "role.change", "mate@example.com", 2),
    )
    AuditEvent.objects.create(actor=stranger, team=stranger.personal_team, verb="key.add", target="Foreign")
    return [
        AuditEvent.objects.create(
            actor=actor, team=team, verb=verb, target=target, at=NOON + timedelta(days=day)
        )
        for actor, verb, target, day in told
    ]


def targets(client: Client, **asked: str) -> list[str]:
    return [event.verb for event, *_ in client.get(reverse("audit"), asked).context["events"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["role.change", "key.test", "key.add"]),
        ({"what": "key.add"}, ["key.add"]),
        ({"what": "key."}, ["key.test", "key.add"]),
        ({"words": "production WXYZ"}, ["key.test", "key.add"]),
        ({"words": "nothing"}, []),
        ({"since": "2026-05-05"}, ["role.change", "key.test"]),
        ({"until": "2026-05-05"}, ["key.test", "key.add"]),
        ({"since": "2026-05-05", "until": "2026-05-05"}, ["key.test"]),
    ],
)
def test_the_log_is_filtered(
    page: Client, events: list[AuditEvent], asked: dict[str, str], found: list[str]
) -> None:
    assert targets(page, **asked) == found


def test_the_log_is_filtered_by_person(page: Client, events: list[AuditEvent], mate: User) -> None:
    assert targets(page, who=str(mate.pk)) == ["key.test"]


def test_days_are_those_of_who_looks(page: Client, owner: User, team: Team) -> None:
    User.objects.filter(pk=owner.pk).update(tz="Pacific/Auckland")
    late = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)  # the fifth of May there
    AuditEvent.objects.create(actor=owner, team=team, verb="key.add", target="Late", at=late)
    assert targets(page, since="2026-05-05", until="2026-05-05") == ["key.add"]
    assert targets(page, until="2026-05-04") == []


@pytest.mark.parametrize(
    "asked",
    [{"what": "key.stolen"}, {"who": "1"}, {"since": "yesterday"}, {"who": "\0"}, {"words": "x" * 101}],
)
def test_a_filter_that_means_nothing_is_said_at_its_field(page: Client, asked: dict[str, str]) -> None:
    answer = page.get(reverse("audit"), asked)
    assert answer.status_code == 422
    assert 'class="error"' in answer.text


def test_a_stranger_is_no_filter(page: Client, events: list[AuditEvent], stranger: User) -> None:
    answer = page.get(reverse("audit"), {"who": str(stranger.pk)})
    assert answer.status_code == 422
    assert stranger.email not in answer.text


def test_somebody_who_left_can_still_be_asked_for(
    page: Client, events: list[AuditEvent], mate: User, team: Team
) -> None:
    team.membership_set.filter(user=mate).delete()
    assert targets(page, who=str(mate.pk)) == ["key.test"]


def test_pages_follow_each_other_without_gap_or_double(page: Client, owner: User, team: Team) -> None:
    for number in range(audit_log.PAGE * 2 + 7):
        # Several at one instant: the order must be one all the same.
        AuditEvent.objects.create(
            actor=owner,
            team=team,
            verb="key.test",
            target=str(number),
            at=NOON + timedelta(hours=number // 9),
        )
    seen: list[str] = []
    address = reverse("audit") + "?what=key.test"
    while address:
        context = page.get(address).context
        seen += [event.target for event, *_ in context["events"]]
        address = reverse("audit") + context["older"] if context["older"] else ""
    assert seen == [str(number) for number in reversed(range(audit_log.PAGE * 2 + 7))]


@pytest.mark.parametrize("before", ["0", "-1", "x", "99999999", "9" * 30, "²"])
def test_a_place_that_is_not_in_the_log_is_its_beginning(
    page: Client, events: list[AuditEvent], before: str
) -> None:
    assert targets(page, before=before) == ["role.change", "key.test", "key.add"]


def test_a_place_in_anothers_log_tells_nothing(
    page: Client, events: list[AuditEvent], stranger: User
) -> None:
    foreign = AuditEvent.objects.get(team=stranger.personal_team)
    assert targets(page, before=str(foreign.pk)) == ["role.change", "key.test", "key.add"]


@pytest.mark.parametrize("who", ["mate", "viewer"])
def test_the_log_is_for_admins(client: Client, team: Team, who: str, request: pytest.FixtureRequest) -> None:
    client.force_login(request.getfixturevalue(who))
    client.post(reverse("switch-team"), {"team": str(team.pk)})
    assert client.get(reverse("audit")).status_code == 403
    assert client.post(reverse("audit-export")).status_code == 403


async def _body(answer: Any) -> str:
    return b"".join([piece async for piece in answer.streaming_content]).decode()


@pytest.mark.django_db(transaction=True)
async def test_the_export_holds_what_the_filters_show_and_is_on_record(
    owner: User, mate: User, team: Team
) -> None:
    for number in range(audit_log.BATCH + 3):
        await AuditEvent.objects.acreate(actor=mate, team=team, verb="key.test", target=f"K{number}", at=NOON)
    await AuditEvent.objects.acreate(actor=owner, team=team, verb="key.add", target="=1+1", at=NOON)
    client = AsyncClient()
    await client.aforce_login(owner)
    await client.post(reverse("switch-team"), {"team": str(team.pk)})
    answer = await client.post(reverse("audit-export"), {"who": str(mate.pk)})
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-')
    rows = list(csv.reader(io.StringIO(await _body(answer))))
    assert rows[0] == list(audit_log.HEAD)
    assert [row[3] for row in rows[1:]] == [f"K{number}" for number in reversed(range(audit_log.BATCH + 3))]
    assert rows[1][:3] == ["2026-05-04T12:00:00+00:00", mate.email, "key.test"]
    event = await AuditEvent.objects.aget(verb="audit.export")
    assert event.detail == {"who": str(mate)}
    whole = await _body(await client.post(reverse("audit-export"), {"words": "=1"}))
    assert "'=1+1" in whole


@given(st.text(max_size=30), st.sampled_from(["=", "+", "-", "@", "\uff1d", "\t", "\r", "\n", " =", "  @"]))
def test_sec_53_no_cell_begins_as_a_formula(text: str, sign: str) -> None:
    (row,) = csv.reader(io.StringIO(audit_log.csv_rows([[sign + text, "plain"]]).decode(), newline=""))
    assert row == [f"'{sign}{text}".encode("utf-8", "replace").decode(), "plain"]


def test_what_a_verb_reads_like_is_known_for_each(page: Client, owner: User, team: Team) -> None:
    told, verbs = set(), list(audit.VERBS)
    # No more at once than a page of the log holds.
    for at in range(0, len(verbs), 20):
        for verb in verbs[at : at + 20]:
            audit.record(owner, team, verb, "Thing")
        told |= {words for _, words, _ in page.get(reverse("audit")).context["events"]}
    assert told == set(audit.VERBS.values())


def test_a_page_costs_the_same_queries_however_long_it_is(
    page: Client, owner: User, team: Team, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for number in range(40):
        audit.record(owner, team, "key.test", str(number))
    with django_assert_max_num_queries(12):
        page.get(reverse("audit"))


@pytest.mark.parametrize("before", ["9" * 5000, "9" * 30, "x", "-1"])
def test_a_page_that_cannot_be_is_the_first_one(page: Client, events: list[AuditEvent], before: str) -> None:
    assert len(targets(page, before=before)) == 3


@pytest.mark.parametrize("asked", [{"until": "9999-12-31"}, {"since": "0001-01-01"}])
def test_days_beyond_the_calendar_are_refused_in_words(
    page: Client, owner: User, asked: dict[str, str]
) -> None:
    User.objects.filter(pk=owner.pk).update(tz="Pacific/Auckland")
    answer = page.get(reverse("audit"), asked)
    assert answer.status_code == 422
    assert "Ensure this value is" in answer.text
