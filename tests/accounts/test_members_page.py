"""Settings → Members: inviting, changing roles, removing; by whom, up to what."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import invitations, teams
from accounts.models import AuditEvent, Invitation, Membership, Role, Team, User

SignIn = Callable[..., Client]
LINK = re.compile(r'id="invitation-link"[^>]*value="([^"]+)"')


@pytest.fixture
def enter(client: Client, team: Team) -> SignIn:
    def enter(user: User, chosen: Team = team) -> Client:
        client.force_login(user)
        client.post(reverse("switch-team"), {"team": str(chosen.pk)})
        return client

    return enter


@pytest.fixture
def admin(team: Team, make_user: Callable[[str], User]) -> User:
    user = make_user("Ada")
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    return user


def role_of(user: User, team: Team) -> int | None:
    return Membership.objects.filter(team=team, user=user).values_list("role", flat=True).first()


def invite(client: Client, email: str, role: Role = Role.MEMBER) -> str:
    return client.post(reverse("members"), {"email": email, "role": str(role.value)}).text


def path_in(page: str, settings: LazySettings) -> str:
    found = LINK.search(page)
    assert found, page
    return found[1].removeprefix(settings.SITE_URL)


def test_an_invitation_from_the_page_leads_into_the_team(
    enter: SignIn, admin: User, stranger: User, team: Team, settings: LazySettings
) -> None:
    path = path_in(invite(enter(admin), stranger.email.upper(), Role.ADMIN), settings)
    guest = Client()
    guest.force_login(stranger)
    assert "as admin" in guest.get(path, follow=True).text
    guest.post(reverse("join"))
    assert role_of(stranger, team) == Role.ADMIN


def test_the_link_is_shown_once_and_kept_nowhere(enter: SignIn, admin: User, settings: LazySettings) -> None:
    client = enter(admin)
    token = path_in(invite(client, "new@example.com"), settings).split("/")[2]
    page = client.get(reverse("members")).text
    assert "new@example.com" in page
    assert token not in page
    assert token not in str(list(Invitation.objects.values())) + str(list(AuditEvent.objects.values()))


def test_a_site_with_mail_sends_the_link(enter: SignIn, admin: User, settings: LazySettings) -> None:
    settings.SENDS_MAIL = True
    Team.objects.update(name="Research\r\nBcc: everybody@example.com")
    page = invite(enter(admin), "new@example.com")
    (sent,) = mail.outbox
    assert "was mailed" in page
    assert sent.to == ["new@example.com"]
    assert sent.message()["Bcc"] is None
    assert path_in(page, settings) in sent.body


def test_a_mail_that_fails_leaves_the_link_to_hand_on(
    enter: SignIn, admin: User, settings: LazySettings
) -> None:
    settings.SENDS_MAIL = True
    with patch("django.core.mail.EmailMessage.send", side_effect=ConnectionRefusedError):
        page = invite(enter(admin), "new@example.com")
    assert "could not be sent" in page
    assert path_in(page, settings).startswith("/join/")


def test_who_is_in_already_is_not_invited(enter: SignIn, admin: User, mate: User) -> None:
    assert "in the team already" in invite(enter(admin), mate.email.upper())
    assert not Invitation.objects.exists()


def test_an_admin_invites_no_owner(enter: SignIn, admin: User) -> None:
    invite(enter(admin), "new@example.com", Role.OWNER)
    assert not Invitation.objects.exists()


def test_nobody_is_invited_into_a_personal_team(enter: SignIn, owner: User) -> None:
    page = invite(enter(owner, owner.personal_team), "new@example.com")
    assert "nobody else joins it" in page
    assert not Invitation.objects.exists()


def test_a_new_link_kills_the_old_one(enter: SignIn, admin: User, settings: LazySettings) -> None:
    client = enter(admin)
    old = path_in(invite(client, "new@example.com"), settings)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    page = client.post(reverse("invitation-renew", args=[Invitation.objects.get().pk])).text
    assert Client().get(old).status_code == 410
    assert Client().get(path_in(page, settings)).status_code == 302


def test_an_invitation_taken_back_lets_nobody_in(enter: SignIn, admin: User, settings: LazySettings) -> None:
    client = enter(admin)
    path = path_in(invite(client, "new@example.com"), settings)
    url = reverse("invitation-revoke", args=[Invitation.objects.get().pk])
    assert "is taken back" in client.post(url, follow=True).text
    assert Client().get(path).status_code == 410
    assert "no longer open" in client.post(url, follow=True).text
    assert client.post(reverse("invitation-renew", args=[Invitation.objects.get().pk])).status_code == 404


@pytest.mark.parametrize("fall", ["demoted", "removed"])
def test_sec_25_an_invitation_is_worth_no_more_than_its_maker(
    team: Team, owner: User, admin: User, fall: str
) -> None:
    made, _ = invitations.invite("new@example.com", team=team, role=Role.ADMIN, by=admin, now=timezone.now())
    if fall == "demoted":
        teams.change_role(team, admin, Role.MEMBER, by=owner)
    else:
        teams.remove(team, admin, by=owner)
    made.refresh_from_db()
    assert invitations.state(made, timezone.now()) is invitations.State.REVOKED


def test_invitations_of_a_demoted_owner_that_are_still_fine_stay(
    team: Team, owner: User, admin: User
) -> None:
    teams.change_role(team, admin, Role.OWNER, by=owner)
    made = [
        invitations.invite(f"{role}@example.com", team=team, role=role, by=admin, now=timezone.now())[0]
        for role in (Role.MEMBER, Role.OWNER)
    ]
    teams.change_role(team, admin, Role.ADMIN, by=owner)
    assert [invitations.state(Invitation.objects.get(pk=row.pk), timezone.now()).value for row in made] == [
        "open",
        "revoked",
    ]


def test_viewers_see_the_people_and_no_invitation(enter: SignIn, admin: User, viewer: User) -> None:
    invite(enter(admin), "new@example.com")
    page = enter(viewer).get(reverse("members")).text
    assert admin.email in page
    assert "new@example.com" not in page
    assert "/role/" not in page
    assert 'name="email"' not in page


def test_an_admin_changes_a_role(enter: SignIn, admin: User, mate: User, team: Team) -> None:
    url = reverse("member-role", args=[mate.pk])
    page = enter(admin).post(url, {"role": "10"}, follow=True).text
    assert "is a viewer now" in page
    assert role_of(mate, team) == Role.VIEWER


@pytest.mark.parametrize("role", ["", "0", "15", "50", "owner", "9" * 30])
def test_a_role_that_does_not_exist_changes_nothing(
    enter: SignIn, owner: User, mate: User, team: Team, role: str
) -> None:
    page = enter(owner).post(reverse("member-role", args=[mate.pk]), {"role": role}, follow=True).text
    assert "Choose one of the roles." in page
    assert role_of(mate, team) == Role.MEMBER


@pytest.mark.parametrize(("who", "role"), [("mate", "40"), ("admin", "40"), ("owner", "20")])
def test_an_admin_makes_no_owner_and_unmakes_none(
    enter: SignIn, request: pytest.FixtureRequest, admin: User, team: Team, who: str, role: str
) -> None:
    user: User = request.getfixturevalue(who)
    before = role_of(user, team)
    assert enter(admin).post(reverse("member-role", args=[user.pk]), {"role": role}).status_code == 403
    assert role_of(user, team) == before


def test_the_last_owner_is_told_and_stays_one(enter: SignIn, owner: User, team: Team) -> None:
    page = enter(owner).post(reverse("member-role", args=[owner.pk]), {"role": "20"}, follow=True).text
    assert "A team needs an owner." in page
    assert role_of(owner, team) == Role.OWNER


def test_a_removed_person_is_out_at_once(enter: SignIn, owner: User, mate: User, team: Team) -> None:
    theirs = Client()
    theirs.force_login(mate)
    theirs.post(reverse("switch-team"), {"team": str(team.pk)})
    assert "Research" in theirs.get(reverse("teams")).text
    client = enter(owner)
    assert "loses sight of everything" in client.get(reverse("member-remove", args=[mate.pk])).text
    client.post(reverse("member-remove", args=[mate.pk]), {"user": str(owner.pk)})
    assert role_of(mate, team) is None
    assert "Research" not in theirs.get(reverse("teams")).text
    assert AuditEvent.objects.get(verb="member.remove").target == mate.email


def test_removing_oneself_is_leaving(enter: SignIn, owner: User) -> None:
    answer = enter(owner).post(reverse("member-remove", args=[owner.pk]), {"user": str(owner.pk)})
    assert answer.headers["Location"] == reverse("team-leave")


def test_an_admin_removes_no_owner(enter: SignIn, admin: User, owner: User, team: Team) -> None:
    url = reverse("member-remove", args=[owner.pk])
    assert enter(admin).post(url, {"user": str(admin.pk)}).status_code == 403
    assert role_of(owner, team) == Role.OWNER


def test_members_cost_the_same_queries_however_many_there_are(
    enter: SignIn,
    owner: User,
    team: Team,
    make_user: Callable[[str], User],
    django_assert_max_num_queries: Callable[[int], object],
) -> None:
    for number in range(12):
        user = make_user(f"Person{number}")
        Membership.objects.create(team=team, user=user, role=Role.MEMBER)
    client = enter(owner)
    with django_assert_max_num_queries(10):  # type: ignore[attr-defined] # a context manager
        client.get(reverse("members"))


@pytest.mark.parametrize("sign_up", ["closed", "invitation", "open"])
def test_a_site_that_makes_no_accounts_says_so_before_somebody_is_invited(
    enter: SignIn, admin: User, settings: LazySettings, sign_up: str
) -> None:
    settings.SIGN_UP = sign_up
    said = "This site makes no new accounts." in enter(admin).get(reverse("members")).text
    assert said is (sign_up == "closed")
