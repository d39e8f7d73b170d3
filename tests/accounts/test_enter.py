from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import links
from accounts.models import AuditEvent, SignInLink, User


@pytest.fixture
def link(owner):
    return f"/enter/{links.make_link(owner, timezone.now())}/"


def who(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_looking_at_a_link_spends_nothing_and_signs_nobody_in(client, owner, link):
    for _ in range(3):
        page = client.get(link)
        assert page.status_code == 200
        assert "olivia@example.com" in page.text
        assert client.head(link).status_code == 200
    assert who(client) is None
    assert SignInLink.objects.get().used_at is None


def test_the_form_signs_in_and_spends_the_link(client, owner, link):
    answer = client.post(link)
    assert answer.status_code == 302
    assert answer.url == "/"
    assert who(client) == str(owner.pk)
    assert Client().post(link).status_code == 410


def test_the_form_carries_the_token_against_forgery(owner, link):
    strict = Client(enforce_csrf_checks=True)
    page = strict.get(link)
    assert strict.post(link).status_code == 403
    assert SignInLink.objects.get().used_at is None
    token = page.context["csrf_token"]
    assert strict.post(link, {"csrfmiddlewaretoken": str(token)}).status_code == 302


def test_the_page_goes_on_by_itself_without_inline_script(client, link):
    page = client.get(link).text
    assert "data-at-once" in page
    assert "js/enter" in page
    assert "onload" not in page


def test_the_token_is_stored_as_a_hash_only(owner):
    token = links.make_link(owner, timezone.now())
    stored = SignInLink.objects.get()
    assert token not in " ".join(str(value) for value in vars(stored).values())
    assert len(token) >= 43


def test_a_used_link_says_so_and_how_to_get_another(client, link):
    Client().post(link)
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 410
        assert "has been used" in answer.text
        assert "manage.py link" in answer.text
    assert who(client) is None


def test_an_expired_link_says_so(client, owner, link):
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 410
        assert "has expired" in answer.text
    assert who(client) is None


def test_a_link_is_good_for_a_day_or_as_long_as_the_setting_says(owner, settings):
    now = timezone.now()
    links.make_link(owner, now)
    settings.SIGN_IN_LINK_HOURS = 1
    links.make_link(owner, now)
    hours = [(link.expires_at - now) / timedelta(hours=1) for link in SignInLink.objects.order_by("pk")]
    assert hours == [24, 1]


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "..", "%F0%9F%94%91", "a" * 3000])
def test_an_unknown_link_is_not_found(client, db, token):
    for answer in (client.get(f"/enter/{token}/"), client.post(f"/enter/{token}/")):
        assert answer.status_code == 404
        assert who(client) is None


def test_a_link_of_somebody_switched_off_is_unknown(client, owner, link):
    User.objects.update(is_active=False)
    assert client.get(link).status_code == client.post(link).status_code == 404
    assert who(client) is None


def test_who_is_in_already_is_taken_home_by_their_used_link(client, owner, link):
    client.post(link)
    assert client.get(link).url == "/"


def test_nobody_is_carried_into_another_account_without_a_click(client, stranger, owner, link):
    client.force_login(stranger)
    page = client.get(link).text
    assert "data-at-once" not in page
    assert "sam@example.com" in page
    client.post(link)
    assert who(client) == str(owner.pk)


def test_the_session_is_a_new_one_after_signing_in(client, owner, link):
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    before = client.session.session_key
    client.post(link)
    assert client.session.session_key != before
    assert not client.session.exists(before)


def test_nothing_of_another_persons_session_is_left(client, stranger, owner, link):
    client.force_login(stranger)
    session = client.session
    session["team"] = str(stranger.personal_team.pk)
    session.save()
    client.post(link)
    assert "team" not in client.session


def test_signing_in_by_link_is_recorded(client, owner, link):
    client.post(link, REMOTE_ADDR="192.0.2.9")
    event = AuditEvent.objects.get(verb="link.use")
    assert (event.actor, event.ip) == (owner, "192.0.2.9")


def test_the_page_is_not_kept_by_caches(client, link):
    assert "no-store" in client.get(link).headers["Cache-Control"]


TWENTY = """
import django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.test import Client
from django.utils import timezone
from accounts import links
from accounts.models import User
address = f"/enter/{links.make_link(User.objects.create_user('owner@example.com'), timezone.now())}/"
together = Barrier(20)
def post(number):
    together.wait()
    return Client(HTTP_HOST="localhost").post(address).status_code
with ThreadPoolExecutor(20) as pool:
    print(sorted(pool.map(post, range(20))))
"""


def test_of_twenty_posts_at_once_one_gets_in(elsewhere):
    ran = elsewhere("-c", TWENTY)
    assert ran.stdout == f"{[302] + [410] * 19}\n", ran.stderr


def test_old_links_are_cleared_away_when_a_new_one_is_made(owner):
    links.make_link(owner, timezone.now() - timedelta(days=40))
    links.make_link(owner, timezone.now())
    assert SignInLink.objects.count() == 1
