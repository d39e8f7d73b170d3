"""Settings → Team and Roles: made, named, left, handed over, deleted; and the matrix as it is enforced."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts import acts
from accounts.acts import Act
from accounts.models import ApiToken, AuditEvent, GatewayKey, Invitation, Membership, Role, Team, User
from playground.chat.models import Conversation
from tests._servers.goods import make_goods

SignIn = Callable[..., Client]


@pytest.fixture
def enter(client: Client, team: Team) -> SignIn:
    """Signs in with `team`, or another, in use."""

    def enter(user: User, chosen: Team = team) -> Client:
        client.force_login(user)
        client.post(reverse("switch-team"), {"team": str(chosen.pk)})
        return client

    return enter


def role_of(user: User, team: Team) -> int | None:
    return Membership.objects.filter(team=team, user=user).values_list("role", flat=True).first()


def test_who_makes_a_team_owns_it_and_works_in_it(enter: SignIn, mate: User) -> None:
    client = enter(mate)
    answer = client.post(reverse("teams"), {"name": "  Design \u202e  lab "}, follow=True)
    team = Team.objects.get(name="Design lab")
    assert role_of(mate, team) == Role.OWNER
    assert client.session["team"] == str(team.pk)
    assert "Design lab is made" in answer.text
    assert AuditEvent.objects.get(verb="team.make").team == team


def test_two_teams_may_have_one_name(enter: SignIn, mate: User) -> None:
    client = enter(mate)
    for _ in range(2):
        client.post(reverse("teams"), {"name": "Research"})
    assert Team.objects.filter(name="Research").count() == 3


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "x" * 101])
def test_a_team_needs_a_name(enter: SignIn, mate: User, name: str) -> None:
    client = enter(mate)
    before = Team.objects.count()
    assert client.post(reverse("teams"), {"name": name}).status_code == 422
    assert Team.objects.count() == before


def test_a_new_name_is_everywhere_at_once(enter: SignIn, owner: User, team: Team) -> None:
    client = enter(owner)
    page = client.post(reverse("team-rename"), {"name": "Analysis"}, follow=True).text
    assert "<h1>Analysis</h1>" in page
    assert AuditEvent.objects.get(verb="team.rename").detail == {"before": "Research"}


def test_the_switcher_offers_each_team_and_only_those(
    enter: SignIn, mate: User, team: Team, stranger: User
) -> None:
    page = enter(mate, mate.personal_team).get(reverse("teams")).text
    assert "Switch to it <span" in page
    assert str(team.pk) in page
    assert str(stranger.personal_team.pk) not in page
    client = enter(mate, stranger.personal_team)
    assert f"<h1>{mate.personal_team}</h1>" in client.get(reverse("teams")).text


def test_a_team_is_deleted_by_its_owner_who_types_its_name(enter: SignIn, owner: User, team: Team) -> None:
    make_goods(owner, team, "plans")
    client = enter(owner)
    page = client.get(reverse("team-delete")).text
    assert re.search(r"Conversations</div><div class=\"list-side num\">1<", page)
    assert client.post(reverse("team-delete"), {"name": "Else"}).status_code == 422
    assert Team.objects.filter(pk=team.pk).exists()
    client.post(reverse("team-delete"), {"name": "Research"})
    assert not Team.objects.filter(pk=team.pk).exists()
    assert not Conversation.objects.filter(title="plans").exists()
    event = AuditEvent.objects.get(verb="team.delete")
    assert (event.team, event.target) == (owner.personal_team, "Research")


def test_a_personal_team_is_neither_deleted_nor_left(enter: SignIn, owner: User, team: Team) -> None:
    client = enter(owner, owner.personal_team)
    name = owner.personal_team.name
    client.post(reverse("team-delete"), {"name": name})
    client.post(reverse("team-leave"), {"user": str(owner.pk)})
    assert role_of(owner, owner.personal_team) == Role.OWNER


def test_an_owner_hands_over_and_becomes_an_admin(enter: SignIn, owner: User, mate: User, team: Team) -> None:
    enter(owner).post(reverse("team-hand-over"), {"user": str(mate.pk)})
    assert (role_of(mate, team), role_of(owner, team)) == (Role.OWNER, Role.ADMIN)


def test_who_hands_over_leaves_no_invitation_beyond_their_new_role(
    enter: SignIn, owner: User, mate: User, team: Team
) -> None:
    client = enter(owner)
    for email, role in (("second@example.com", Role.OWNER), ("helper@example.com", Role.ADMIN)):
        client.post(reverse("members"), {"email": email, "role": str(int(role))})
    client.post(reverse("team-hand-over"), {"user": str(mate.pk)})
    still_open = Invitation.objects.filter(team=team, revoked_at=None)
    assert list(still_open.values_list("email", flat=True)) == ["helper@example.com"]


def test_a_team_is_not_handed_to_a_stranger(enter: SignIn, owner: User, stranger: User, team: Team) -> None:
    enter(owner).post(reverse("team-hand-over"), {"user": str(stranger.pk)})
    assert role_of(owner, team) == Role.OWNER
    assert role_of(stranger, team) is None


def test_the_last_owner_is_told_why_they_stay(enter: SignIn, owner: User, mate: User, team: Team) -> None:
    client = enter(owner)
    assert "Make somebody else an owner first." in client.get(reverse("team-leave")).text
    answer = client.post(reverse("team-leave"), {"user": str(mate.pk)})
    assert answer.status_code == 409
    assert role_of(owner, team) == Role.OWNER


def test_who_leaves_hands_over_what_was_shared_and_nothing_private(
    enter: SignIn, owner: User, mate: User, team: Team
) -> None:
    shared = Conversation.objects.create(team=team, owner=mate, title="Shared", shared=True)
    private = Conversation.objects.create(team=team, owner=mate, title="Private")
    key = GatewayKey.objects.create(team=team, owner=mate, label="Mine", sealed=b"x", vault_key_id="k")
    lent = GatewayKey.objects.create(team=team, owner=mate, label="Lent", sealed=b"x", shared=True)
    client = enter(mate)
    page = client.get(reverse("team-leave")).text
    assert "1 shared with the team: taken over · 1 private: nobody gets to see them" in page
    client.post(reverse("team-leave"), {"user": str(owner.pk)})
    assert role_of(mate, team) is None
    for row in (shared, private, key, lent):
        row.refresh_from_db()
    assert (shared.owner, private.owner) == (owner, mate)
    assert (bytes(key.sealed), key.revoked_at is not None) == (b"", True)
    assert (lent.owner, lent.revoked_at) == (owner, None)
    event = AuditEvent.objects.get(verb="member.leave")
    assert event.detail == {"heir": owner.email, "conversations": 1, "gateway keys": 1}


def test_a_leaver_names_no_heir_outside_the_team(
    enter: SignIn, mate: User, stranger: User, team: Team
) -> None:
    enter(mate).post(reverse("team-leave"), {"user": str(stranger.pk)})
    assert role_of(mate, team) == Role.MEMBER


# One way to try each row of the matrix: where it is done, and what is sent.
WAYS: dict[Act, tuple[str, dict[str, str] | None]] = {
    acts.LOOK: ("media:tasks", None),
    acts.OWN_TOKENS: ("tokens", {"whose": "mine"}),
    acts.OWN_KEYS: ("keys", {}),
    acts.TEAM_KEYS_SEEN: ("team-keys", None),
    acts.TEAM_KEYS: ("team-keys", {}),
    acts.TEAM_TOKENS: ("tokens", {"whose": "team"}),
    acts.MEMBERS_SEEN: ("members", None),
    acts.MEMBERS: ("members", {}),
    acts.ROLES: ("member-role", {}),
    acts.LEAVE: ("team-leave", None),
    acts.RENAME: ("team-rename", {}),
    acts.ROUTES: ("media:route-new", {}),
    acts.AUDIT: ("audit", None),
    acts.HAND_OVER: ("team-hand-over", {}),
    acts.DELETE: ("team-delete", {}),
}
# Rows whose enforcement is the matter of their own app, with the tests that try it.
ELSEWHERE = {
    acts.WORK: "tests/chat/test_views.py, tests/media/test_views.py",
    acts.PROMPTS: "tests/library",
    acts.MODELS: "tests/catalogue/test_model_page.py",
    acts.TEAM_KEYS_USED: "tests/accounts/test_keys.py",
    acts.PRICES: "tests/usage/test_prices_page.py",
    acts.BUDGETS: "tests/usage/test_prices_page.py",
}


def test_every_row_of_the_matrix_is_tried_somewhere() -> None:
    assert set(acts.ACTS) == WAYS.keys() | ELSEWHERE.keys()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("act", WAYS, ids=lambda act: act.words)
def test_the_matrix_is_what_the_site_does(
    enter: SignIn, owner: User, mate: User, team: Team, act: Act, role: Role
) -> None:
    Membership.objects.filter(user=mate, team=team).update(role=role)
    client = enter(mate)
    name, fields = WAYS[act]
    url = reverse(name, args=[owner.pk] if name == "member-role" else [])
    answer = client.get(url) if fields is None else client.post(url, fields)
    assert (answer.status_code != 403) is (role >= act.role), answer.status_code
    assert answer.status_code in (200, 302, 403, 422)


def test_the_page_shows_the_table_and_ones_own_column(enter: SignIn, viewer: User) -> None:
    page = enter(viewer).get(reverse("roles")).text
    for act in acts.ACTS:
        assert act.words.replace("'", "&#x27;") in page
    assert "you are viewer" in page
    assert page.count('class="yes"') == sum(role >= act.role for act in acts.ACTS for role in Role)


def test_the_log_is_offered_to_those_who_may_read_it(enter: SignIn, owner: User, viewer: User) -> None:
    assert reverse("audit") in enter(owner).get(reverse("roles")).text
    assert reverse("audit") not in enter(viewer).get(reverse("roles")).text


def test_what_somebody_owned_is_handed_over_once(enter: SignIn, owner: User, mate: User, team: Team) -> None:
    elsewhere = Conversation.objects.create(team=mate.personal_team, owner=mate, title="Own", shared=True)
    enter(mate).post(reverse("team-leave"), {"user": str(owner.pk)})
    elsewhere.refresh_from_db()
    assert elsewhere.owner == mate
    assert not ApiToken.objects.filter(user=mate, team=team, revoked_at=None).exists()
