from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.contrib.sessions.backends.cache import SessionStore
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse

from accounts import access
from accounts.middleware import TeamMiddleware
from accounts.models import GatewayKey, Membership, Role, Team, User

FOUND, MISSING, REFUSED = "found", "404", "403"


@pytest.fixture
def ask(rf, team):
    """A request of that person, as the middleware hands it to a view, with `team` chosen."""

    def make(user, chosen=team):
        request = rf.get("/")
        request.user = user
        request.session = SessionStore()
        if chosen is not None:
            request.session["team"] = str(chosen.pk)
        TeamMiddleware(lambda request: HttpResponse())(request)
        return request

    return make


@pytest.fixture
def admin(make_user, team):
    user = make_user("Ada")
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    return user


def outcome(model, request, pk, need):
    try:
        return FOUND if access.get(model, request, pk, need=need).pk == pk else "another"
    except Http404:
        return MISSING
    except PermissionDenied:
        return REFUSED


MATRIX = {
    # person: own or shared key of the owner, per needed role VIEWER, MEMBER, ADMIN, OWNER
    "owner": ([FOUND] * 4, [FOUND] * 4),
    "admin": ([FOUND, FOUND, FOUND, REFUSED], [MISSING] * 4),
    "mate": ([FOUND, REFUSED, REFUSED, REFUSED], [MISSING] * 4),
    "viewer": ([FOUND, REFUSED, REFUSED, REFUSED], [MISSING] * 4),
    "stranger": ([MISSING] * 4, [MISSING] * 4),
}


@pytest.mark.parametrize("person", MATRIX)
@pytest.mark.parametrize("shared", [True, False])
def test_a_key_in_the_team(ask, team, make_key, owner, person, shared, request):
    user = request.getfixturevalue(person)
    key = make_key(team=team)
    GatewayKey.objects.filter(pk=key.pk).update(shared=shared)
    found = [outcome(GatewayKey, ask(user), key.pk, need) for need in Role]
    assert found == MATRIX[person][0 if shared else 1]
    assert access.visible(GatewayKey, ask(user)).filter(pk=key.pk).exists() is (found[0] == FOUND)


@pytest.mark.parametrize(
    ("person", "highest"),
    [("owner", Role.OWNER), ("admin", Role.ADMIN), ("mate", Role.MEMBER), ("viewer", Role.VIEWER)],
)
def test_what_needs_a_role_is_open_from_that_role_up(ask, request, person, highest):
    asked = ask(request.getfixturevalue(person))
    for role in Role:
        if role <= highest:
            access.need(asked, role)
        else:
            with pytest.raises(PermissionDenied, match=role.label.lower()):
                access.need(asked, role)


def test_a_viewer_does_not_own_what_they_made_while_they_were_more(ask, viewer, team, make_key):
    key = make_key(user=viewer, team=team)
    assert outcome(GatewayKey, ask(viewer), key.pk, Role.VIEWER) == FOUND
    assert outcome(GatewayKey, ask(viewer), key.pk, Role.MEMBER) == REFUSED


def test_somebody_who_left_finds_nothing_of_theirs(ask, mate, team, make_key):
    key = make_key(user=mate, team=team)
    Membership.objects.filter(user=mate, team=team).delete()
    assert outcome(GatewayKey, ask(mate), key.pk, Role.VIEWER) == MISSING


def test_a_person_who_is_switched_off_finds_nothing(ask, owner, team, make_key):
    key = make_key(team=team)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert outcome(GatewayKey, ask(owner), key.pk, Role.VIEWER) == MISSING
    assert access.role_of(owner, team) == 0


def test_a_superuser_has_no_other_door(ask, make_user, team, make_key):
    root = make_user("Root")
    root.is_superuser = root.is_staff = True
    root.save()
    assert outcome(GatewayKey, ask(root), make_key(team=team).pk, Role.VIEWER) == MISSING


def test_a_visitor_is_refused_at_every_door(ask, team, make_key):
    nobody = ask(AnonymousUser())
    for call in (
        lambda: access.get(GatewayKey, nobody, make_key(team=team).pk),
        lambda: access.visible(GatewayKey, nobody),
        lambda: access.need(nobody, Role.VIEWER),
    ):
        with pytest.raises(PermissionDenied):
            call()


@pytest.mark.parametrize(
    "pk", ["", "nonsense", "1; drop table", None, 7, "\0", uuid.UUID(int=0), str(uuid.UUID(int=2**128 - 1))]
)
def test_an_id_that_does_not_exist_is_not_found(ask, owner, pk):
    assert outcome(GatewayKey, ask(owner), pk, Role.VIEWER) == MISSING


def test_a_model_that_names_no_team_is_reachable_by_nobody(ask, owner):
    with pytest.raises(TypeError, match="names no team"):
        access.get(Group, ask(owner), 1)
    with pytest.raises(TypeError, match="names no team"):
        access.visible(Group, ask(owner))


def test_a_row_of_another_of_ones_teams_is_found_but_not_listed(ask, owner, team, make_key):
    elsewhere = make_key("Elsewhere")
    asked = ask(owner)
    assert outcome(GatewayKey, asked, elsewhere.pk, Role.MEMBER) == FOUND
    assert not access.visible(GatewayKey, asked).exists()


def test_a_fetch_is_one_query(django_assert_num_queries, owner, team, make_key):
    key = make_key(team=team)
    with django_assert_num_queries(1):
        assert access.check(GatewayKey, owner, key.pk, need=Role.OWNER) == key


def test_what_was_fetched_carries_no_trace_of_the_check(owner, team, make_key):
    key = access.check(GatewayKey, owner, make_key(team=team).pk)
    key.label = "Renamed"
    key.save()
    assert not [name for name in vars(key) if "access" in name]


def test_the_chosen_team_is_the_requests_team(ask, mate, team):
    asked = ask(mate)
    assert asked.team == team
    assert asked.role == Role.MEMBER
    assert Role.VIEWER < asked.role <= Role.MEMBER
    assert asked.role >= Role.MEMBER
    assert int(asked.role) == 20


@pytest.mark.parametrize("chosen", ["nothing", "foreign"])
def test_without_a_team_of_theirs_chosen_people_are_in_their_own(ask, stranger, team, chosen):
    asked = ask(stranger, chosen=team if chosen == "foreign" else None)
    assert asked.team == stranger.personal_team
    assert asked.role == Role.OWNER


def test_a_visitor_has_no_team(ask):
    asked = ask(AnonymousUser())
    assert not asked.team
    assert asked.role == 0


def test_the_team_costs_one_query_and_only_when_asked_for(ask, mate, team, django_assert_num_queries):
    with django_assert_num_queries(0):
        asked = ask(mate)
    with django_assert_num_queries(1):
        assert (asked.team.name, asked.role, asked.team.pk) == ("Research", 20, team.pk)


def test_a_row_made_with_the_requests_team_is_saved(ask, mate, team):
    key = GatewayKey.objects.create(team=ask(mate).team, owner=mate, label="Mine")
    assert Team.objects.get(keys=key) == team
