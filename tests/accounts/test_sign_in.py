from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client

from accounts.models import Membership, Role, User
from tests._servers.cast import PASSWORD

LOGIN, LOGOUT, SIGN_UP = "/account/login/", "/account/logout/", "/account/signup/"
RESET = "/account/password/reset/"
NEW = {"email": "New@Example.com", "password1": "correct horse staple", "password2": "correct horse staple"}
CHANGED = {"password1": "a new long one", "password2": "a new long one"}

OFF_SITE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "////evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "http:evil.example",
    "https:///evil.example",
    "javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,hi",
    "\thttps://evil.example",
    " https://evil.example",
    "\x00//evil.example",
    "https://testserver@evil.example/",
    "https://evil.example\\@testserver/",
    "http://testserver.evil.example/",
    "http://localhost.evil.example/",
    "ftp://testserver/",
    "//[::1",
    "https://127.0.0.1/",
    "http://localhost:1/",
]


def sign_in(client: Client, email: str = "olivia@example.com", password: str = PASSWORD, **more: str):
    return client.post(LOGIN, {"login": email, "password": password, **more})


def who(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


@pytest.mark.parametrize("email", ["olivia@example.com", "OLIVIA@Example.com", " olivia@example.com "])
def test_a_person_signs_in_with_address_and_password(client, owner, email):
    answer = sign_in(client, email)
    assert answer.status_code == 302
    assert answer.url == "/"
    assert who(client) == str(owner.pk)


def test_pages_send_a_visitor_to_sign_in_and_back(client, owner):
    answer = client.get("/settings/appearance/")
    assert answer.url == f"{LOGIN}?next=/settings/appearance/"
    assert 'value="/settings/appearance/"' in client.get(answer.url).text
    assert sign_in(client, next="/settings/appearance/").url == "/settings/appearance/"


@pytest.mark.parametrize("target", OFF_SITE)
def test_signing_in_never_leads_off_the_site(client, owner, target):
    assert sign_in(client, next=target).url == "/"


@pytest.mark.parametrize("target", OFF_SITE)
def test_neither_do_signing_out_signing_up_and_the_theme(client, owner, settings, target):
    settings.SIGN_UP = "open"
    assert client.post(SIGN_UP, NEW | {"next": target}).url == "/"
    assert client.post("/settings/theme/", {"theme": "dark", "next": target}).url == "/"
    from_there = client.post(
        "/settings/theme/", {"theme": "dark"}, headers={"Referer": target.strip("\n\0 \t")}
    )
    assert from_there.url == "/"
    assert client.post(LOGOUT, {"next": target}).url in {"/", LOGIN}


def test_wrong_password_and_unknown_address_give_the_same_page(client, owner):
    wrong, unknown = sign_in(client, password="wrong wrong"), sign_in(client, "nobody@example.com")
    assert wrong.status_code == unknown.status_code

    def plain(page) -> str:
        text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page.text)
        return text.replace("olivia@example.com", "X").replace("nobody@example.com", "X")

    assert plain(wrong) == plain(unknown)
    assert "not correct" in wrong.text


def test_guessing_is_slowed_down(client, owner):
    for _ in range(6):
        page = sign_in(client, password="wrong wrong")
    assert "Too many failed" in page.text or page.status_code == 429
    sign_in(client)
    assert who(client) is None


def test_the_session_is_a_new_one_after_the_password(client, owner):
    session = client.session
    session["planted"] = "x"
    session.save()
    before = client.session.session_key
    sign_in(client)
    assert client.session.session_key != before
    assert not client.session.exists(before)


def test_the_session_dies_when_signing_out(client, owner):
    sign_in(client)
    cookie, key = client.cookies.output(), client.session.session_key
    assert client.get(LOGOUT).status_code == 200
    assert who(client) == str(owner.pk)  # looking is not leaving
    client.post(LOGOUT)
    assert key in cookie
    assert not client.session.exists(key)
    thief = Client()
    thief.cookies[next(iter(client.cookies))] = key
    assert thief.get("/settings/appearance/").status_code == 302


def test_changing_the_password_ends_the_other_sessions_only(client, owner):
    other = Client()
    sign_in(client)
    sign_in(other)
    page = "/settings/password/"
    answer = client.post(page, {"oldpassword": PASSWORD, **CHANGED})
    assert answer.url == "/settings/account/"
    assert client.get("/settings/appearance/").status_code == 200
    assert other.get("/settings/appearance/").status_code == 302


def test_a_password_is_not_changed_without_the_old_one(client, owner):
    sign_in(client)
    page = "/settings/password/"
    client.post(page, {"oldpassword": "guess", **CHANGED})
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_a_person_without_a_password_sets_one(client, db):
    user = User.objects.create_user("linked@example.com")
    client.force_login(user)
    assert client.get("/settings/password/").url == "/settings/password/set/"
    client.post("/settings/password/set/", CHANGED)
    user.refresh_from_db()
    assert user.check_password("a new long one")


def test_a_reset_sends_a_link_that_works_once(client, owner):
    assert client.post(RESET, {"email": "OLIVIA@example.com"}).url == f"{RESET}sent/"
    link = re.search(r"http://testserver(/\S+)", mail.outbox[0].body)[1]
    form = client.get(link, follow=True)
    assert form.status_code == 200
    client.post(form.redirect_chain[-1][0], CHANGED)
    owner.refresh_from_db()
    assert owner.check_password("a new long one")
    assert "does not work any more" in Client().get(link, follow=True).text


def test_no_field_repeats_its_label_as_a_placeholder(client, owner, settings):
    settings.SIGN_UP = "open"
    client.post(RESET, {"email": owner.email})
    link = re.search(r"http://testserver(/\S+)", mail.outbox[0].body)[1]
    doors = [client.get(page, follow=True).text for page in (LOGIN, SIGN_UP, RESET, link)]
    client.force_login(owner)
    doors.append(client.get("/settings/password/").text)
    client.force_login(User.objects.create_user("linked@example.com"))
    doors.append(client.get("/settings/password/set/").text)
    assert [door.count("<label") for door in doors] == [2, 3, 1, 2, 3, 2]
    assert [door for door in doors if "placeholder" in door.split("<main")[1].split("</main>")[0]] == []


def test_without_a_mail_server_no_page_promises_a_mail(client, owner, settings):
    settings.SENDS_MAIL = False
    form, sent = client.get(RESET), client.post(RESET, {"email": "olivia@example.com"}, follow=True)
    for page in (form, sent):
        assert "This playground sends no mail." in page.text
        assert "on its way" not in page.text
    assert 'name="email"' not in form.text


def test_a_reset_tells_nobody_who_has_an_account(client, owner):
    known = client.post(RESET, {"email": "olivia@example.com"})
    unknown = client.post(RESET, {"email": "nobody@example.com"})
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)


def test_open_sign_up_makes_a_person_with_a_personal_team(client, db, settings):
    settings.SIGN_UP = "open"
    assert client.post(SIGN_UP, NEW).url == "/"
    user = User.objects.get()
    assert user.email == "new@example.com"
    assert Membership.objects.get(user=user, team=user.personal_team).role == Role.OWNER
    assert who(client) == str(user.pk)


@pytest.mark.parametrize("mode", ["closed", "invitation"])
def test_without_an_invitation_sign_up_is_shut_in_the_other_modes(client, db, settings, mode):
    settings.SIGN_UP = mode
    assert "by invitation" in client.get(SIGN_UP).text
    client.post(SIGN_UP, NEW)
    assert not User.objects.exists()
    assert SIGN_UP not in client.get(LOGIN).text


def test_an_address_in_use_makes_no_second_account(client, owner, settings):
    settings.SIGN_UP = "open"
    client.post(SIGN_UP, NEW | {"email": "OLIVIA@example.com"})
    assert User.objects.get() == owner
    assert owner.check_password(PASSWORD)


@pytest.mark.parametrize("password", ["short", "password123", "new@example.com"])
def test_a_weak_password_is_refused_beside_its_field(client, db, settings, password):
    settings.SIGN_UP = "open"
    page = client.post(SIGN_UP, NEW | {"password1": password, "password2": password})
    assert page.status_code == 200
    assert 'id="id_password1_error"' in page.text
    assert not User.objects.exists()


def test_somebody_switched_off_does_not_get_in(client, owner):
    User.objects.update(is_active=False)
    sign_in(client)
    assert who(client) is None


def test_sign_up_is_slowed_down_too(client, db, settings):
    settings.SIGN_UP = "open"
    statuses = [Client().post(SIGN_UP, {}).status_code for _ in range(25)]
    assert statuses[0] == 200
    assert statuses[-1] == 429


@pytest.mark.parametrize("page", [LOGIN, SIGN_UP, RESET, f"{RESET}sent/", f"{RESET}done/", f"{RESET}1-x/"])
def test_the_doors_carry_no_inline_style_or_script(client, db, settings, page):
    settings.SIGN_UP = "open"
    text = client.get(page).text
    assert not re.search(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son\w+=", text)
    assert '<html lang="en"' in text
    assert "<main" in text


def test_password_managers_find_their_fields(client, db, settings):
    settings.SIGN_UP = "open"
    assert 'autocomplete="current-password"' in client.get(LOGIN).text
    assert client.get(SIGN_UP).text.count('autocomplete="new-password"') == 2


def test_passwords_are_argon2_at_46_mib():
    from django.contrib.auth.hashers import make_password

    from accounts.passwords import Argon2

    assert make_password("x", hasher=Argon2()).startswith("argon2$argon2id$v=19$m=47104,t=1,p=1$")
