from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import invitations
from accounts.models import AuditEvent, Invitation, Membership, Role, Team, User
from tests._servers.cast import PASSWORD

SIGN_UP = "/account/signup/"
CHOSEN = {"password1": "correct horse staple", "password2": "correct horse staple"}


@pytest.fixture(autouse=True)
def _by_invitation(settings):
    settings.SIGN_UP = "invitation"


@pytest.fixture
def invite(team, owner):
    """Invites and gives the address to open."""

    def make(email: str = "new@example.com", role: Role = Role.MEMBER, into: Team | None = team) -> str:
        _, token = invitations.invite(email, team=into, role=role, by=owner, now=timezone.now())
        return f"/join/{token}/"

    return make


def role_in(team: Team, email: str) -> int | None:
    return Membership.objects.filter(team=team, user__email=email).values_list("role", flat=True).first()


def test_an_invited_person_signs_up_and_is_in_the_team(client, invite, team):
    page = client.get(invite(), follow=True)
    assert "Join Research" in page.text
    assert "new@example.com" in client.get(SIGN_UP).text
    client.post(SIGN_UP, {"email": "New@Example.com", **CHOSEN})
    assert role_in(team, "new@example.com") == Role.MEMBER
    user = User.objects.get(email="new@example.com")
    assert user.personal_team
    assert client.session["team"] == str(team.pk)
    assert AuditEvent.objects.filter(verb="invitation.accept", actor=user).exists()


def test_after_signing_up_the_way_back_to_the_invitation_leads_home(client, invite):
    client.get(invite())
    assert client.post(SIGN_UP, {"email": "new@example.com", "next": "/join/", **CHOSEN}).url == "/join/"
    assert client.get("/join/").url == "/"


def test_an_invitation_without_a_team_gives_an_account_only(client, invite):
    client.get(invite(into=None))
    client.post(SIGN_UP, {"email": "new@example.com", **CHOSEN})
    assert User.objects.get(email="new@example.com").teams.count() == 1


def test_another_address_cannot_use_it(client, invite, team):
    client.get(invite())
    page = client.post(SIGN_UP, {"email": "other@example.com", **CHOSEN})
    assert "another address" in page.text
    assert not User.objects.filter(email="other@example.com").exists()


def test_an_existing_account_joins_by_a_click(client, invite, team, stranger):
    client.force_login(stranger)
    page = client.get(invite("sam@example.com", Role.ADMIN), follow=True)
    assert page.status_code == 200
    assert role_in(team, "sam@example.com") is None  # opening it is not accepting it
    assert client.post("/join/").url == "/"
    assert role_in(team, "sam@example.com") == Role.ADMIN


def test_an_existing_account_may_sign_in_on_the_way(client, invite, team, stranger):
    client.get(invite("sam@example.com"))
    answer = client.post(
        "/account/login/", {"login": "sam@example.com", "password": PASSWORD, "next": "/join/"}
    )
    assert answer.url == "/join/"
    client.post("/join/")
    assert role_in(team, "sam@example.com") == Role.MEMBER


def test_somebody_else_who_is_signed_in_is_refused(client, invite, team, stranger):
    client.force_login(stranger)
    page = client.get(invite("new@example.com"), follow=True)
    assert page.status_code == 403
    assert "signed in as" in page.text
    assert client.post("/join/").status_code == 403
    assert role_in(team, "sam@example.com") is None
    assert Invitation.objects.get().accepted_at is None


def test_a_visitor_cannot_accept_without_an_account(client, invite):
    client.get(invite())
    assert client.post("/join/").status_code == 403
    assert Invitation.objects.get().accepted_at is None


def test_it_works_once(client, invite, team):
    link = invite()
    client.get(link)
    client.post(SIGN_UP, {"email": "new@example.com", **CHOSEN})
    again = Client().get(link)
    assert again.status_code == 410
    assert "has been used" in again.text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "has expired"),
        ({"revoked_at": timezone.now()}, "was taken back"),
    ],
)
def test_a_dead_one_is_refused_at_the_door_and_halfway(invite, team, change, says):
    link, halfway = invite(), Client()
    halfway.get(link)
    Invitation.objects.update(**change)
    refused = Client().get(link)
    assert refused.status_code == 410
    assert says in refused.text
    assert halfway.get("/join/").status_code == 404
    halfway.post(SIGN_UP, {"email": "new@example.com", **CHOSEN})
    assert not User.objects.filter(email="new@example.com").exists()


def test_one_that_is_taken_back_while_the_form_is_read_makes_no_account(client, invite, monkeypatch):
    client.get(invite())
    accept = invitations.accept

    def too_late(invitation, *rest):
        Invitation.objects.update(revoked_at=timezone.now())
        return accept(invitation, *rest)

    monkeypatch.setattr(invitations, "accept", too_late)
    assert client.post(SIGN_UP, {"email": "new@example.com", **CHOSEN}).url == "/join/"
    assert not User.objects.filter(email="new@example.com").exists()
    assert not Team.objects.filter(personal_of__email="new@example.com").exists()


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00"])
def test_an_unknown_one_is_not_found(client, db, token):
    assert client.get(f"/join/{token}/").status_code == 404


def test_join_without_an_invitation(client, db, stranger):
    assert client.get("/join/").status_code == 404
    client.force_login(stranger)
    assert client.get("/join/").url == "/"


def test_the_token_is_stored_as_a_hash_only(invite):
    token = invite().split("/")[2]
    stored = Invitation.objects.get()
    assert token not in " ".join(str(value) for value in vars(stored).values())


def test_a_new_invitation_takes_the_older_one_back(client, invite):
    older, newer = invite(), invite()
    assert client.get(older).status_code == 410
    assert client.get(newer).status_code == 302


def test_it_never_lowers_a_role(client, invite, team, owner):
    client.force_login(owner)
    client.get(invite("olivia@example.com", Role.VIEWER))
    client.post("/join/")
    assert role_in(team, "olivia@example.com") == Role.OWNER


def test_taking_back_is_recorded_and_happens_once(invite, owner):
    invite()
    invitation = Invitation.objects.get()
    assert invitations.revoke(invitation, by=owner, now=timezone.now()) is True
    assert invitations.revoke(invitation, by=owner, now=timezone.now()) is False
    assert AuditEvent.objects.filter(verb="invitation.revoke").count() == 1


def test_when_sign_up_is_closed_only_existing_accounts_join(client, invite, team, stranger, settings):
    settings.SIGN_UP = "closed"
    client.get(invite())
    client.post(SIGN_UP, {"email": "new@example.com", **CHOSEN})
    assert not User.objects.filter(email="new@example.com").exists()
    client.force_login(stranger)
    client.get(invite("sam@example.com"))
    client.post("/join/")
    assert role_in(team, "sam@example.com") == Role.MEMBER


def test_when_sign_up_is_open_the_invited_still_land_in_their_team(client, invite, team, settings):
    settings.SIGN_UP = "open"
    client.get(invite())
    client.post(SIGN_UP, {"email": "new@example.com", **CHOSEN})
    assert role_in(team, "new@example.com") == Role.MEMBER


TEN = """
import django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.utils import timezone
from accounts import invitations
from accounts.models import AuditEvent, Role, User
user, now = User.objects.create_user("sam@example.com"), timezone.now()
invitation, _ = invitations.invite(user.email, team=None, role=Role.MEMBER, by=None, now=now)
together = Barrier(10)
def accept(number):
    together.wait()
    return invitations.accept(invitation, user, now)
with ThreadPoolExecutor(10) as pool:
    print(sum(pool.map(accept, range(10))), AuditEvent.objects.filter(verb="invitation.accept").count())
"""


def test_of_ten_who_accept_at_once_one_is_first(elsewhere):
    ran = elsewhere("-c", TEN)
    assert ran.stdout == "1 1\n", ran.stderr


def test_the_command_prints_a_link_that_works(client, team, capsys, settings):
    call_command("invite", "New@Example.com", "--team", "research", "--role", "admin")
    link = capsys.readouterr().out.strip().removeprefix(settings.SITE_URL)
    assert client.get(link).url == "/join/"
    assert Invitation.objects.get().role == Role.ADMIN


def test_the_command_refuses_what_cannot_work(team, settings):
    with pytest.raises(CommandError, match="no team"):
        call_command("invite", "new@example.com", "--team", "nowhere")
    with pytest.raises(CommandError, match="no e-mail address"):
        call_command("invite", "nobody")
    settings.SIGN_UP = "closed"
    with pytest.raises(CommandError, match="SIGN_UP=invitation"):
        call_command("invite", "new@example.com", "--team", "research")
    assert not Invitation.objects.exists()
