"""A run with somebody's own key is in nobody else's History, and reached from nowhere in it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from asgiref.sync import async_to_sync
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.history.filters import Filters
from playground.history.listing import Reader, every
from playground.history.models import Share
from playground.verify.models import CheckRun

SignIn = Callable[[User], Client]


def checked(user: User, key: GatewayKey) -> CheckRun:
    now = timezone.now()
    return CheckRun.objects.create(
        team=key.team, user=user, key=key, key_label=key.label, base_url=key.base_url, shared=key.shared,
        state="failed", started_at=now, ended_at=now,
    )  # fmt: skip


def key_of(owner: User, team: Team, label: str, *, shared: bool) -> GatewayKey:
    return GatewayKey.objects.create(
        owner=owner, team=team, label=label, shared=shared, base_url="https://a.example"
    )


def body(response: HttpResponseBase) -> str:
    async def pieces() -> bytes:
        return b"".join([piece async for piece in response])  # type: ignore[attr-defined] # an export streams

    return (async_to_sync(pieces)() if response.streaming else response.getvalue()).decode()


def count(user: User, team: Team) -> int:
    return sum(len(ids) for ids in every(Reader.of(user, team), Filters()))


def test_a_check_of_an_own_key_is_in_no_list_search_count_or_export_of_another_member(
    database: str, owner: User, mate: User, team: Team, sign_in: SignIn
) -> None:
    own = checked(owner, key_of(owner, team, "Zebra", shared=False))
    everybodys = checked(owner, key_of(owner, team, "Giraffe", shared=True))
    asked = [{}, {"kind": "check"}, {"q": "Zebra"}, {"q": "a.example"}, {"state": "failed"},
             {"key": str(own.key_id)}, {"owner": str(owner.pk)}]  # fmt: skip
    first = reverse("history:list")
    for person, seen in ((owner, True), (mate, False)):
        client = sign_in(person)
        assert [str(own.pk) in body(client.get(first, query)) for query in asked] == [seen] * len(asked)
        assert str(everybodys.pk) in body(client.get(first))
        assert count(person, team) == (2 if seen else 1)
        show = client.get(reverse("history:show", args=[own.pk]))
        assert show.status_code == (200 if seen else 404)
        for form in ({"all": "yes"}, {"line": [str(own.pk), str(everybodys.pk)]}):
            told = body(client.post(reverse("history:do"), {"act": "export-jsonl", **form}))
            assert (str(own.pk) in told, str(everybodys.pk) in told) == (seen, True)


def test_another_member_neither_deletes_nor_rates_it(
    owner: User, mate: User, team: Team, sign_in: SignIn
) -> None:
    own = checked(owner, key_of(owner, team, "Zebra", shared=False))
    client = sign_in(mate)
    client.post(reverse("history:do"), {"act": "delete", "line": [str(own.pk)], "sure": "yes"})
    assert CheckRun.objects.filter(pk=own.pk).exists()
    assert client.post(reverse("history:rate", args=[own.pk]), {"value": "up"}).status_code == 404


def test_one_that_its_runner_shares_is_read_and_leads_to_its_certificate(
    database: str, owner: User, mate: User, team: Team, sign_in: SignIn
) -> None:
    own = checked(owner, key_of(owner, team, "Zebra", shared=False))
    show, certificate = reverse("history:show", args=[own.pk]), reverse("verify:run", args=[own.pk])
    assert certificate in body(sign_in(owner).get(show))
    # Read by its address alone: the certificate itself stays its runner's.
    Share.objects.create(team=team, kind="check", subject=own.pk, by=owner)
    client = sign_in(mate)
    page = client.get(show)
    assert (page.status_code, certificate in body(page)) == (200, False)
    assert client.get(certificate).status_code == 404
    assert sign_in(owner).post(reverse("verify:share", args=[own.pk]), {"shared": "yes"}).status_code == 302
    client = sign_in(mate)
    assert certificate in body(client.get(show))
    assert client.get(certificate).status_code == 200
    assert client.get(reverse("history:show", args=[uuid.uuid4()])).status_code == 404
