"""Labels move freely, by role, or by a review that somebody else approves."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone

from accounts.models import AuditEvent, Membership, Role
from playground.library import labels, reviews
from playground.library.labels import NeedsReview, NeedsRole
from playground.library.models import ChangeRequest, Label
from playground.library.reviews import Refused

pytestmark = pytest.mark.usefixtures("no_kinds")


def where(prompt, name="production"):
    return Label.objects.filter(prompt=prompt, name=name).values_list("version__number", flat=True).first()


@pytest.fixture
def reviewed(team, owner):
    labels.protect(team, "production", owner, needs_role=None, needs_review=True)


@pytest.fixture
def prompt(make, save, owner):
    """Two versions; `production` at the first."""
    made = make()
    labels.point(made, "production", made.head, owner)
    save(made)
    made.refresh_from_db()
    return made


@pytest.fixture
def change(prompt, mate, reviewed):
    """The mate's request to move `production` to the second version."""
    return reviews.open(prompt, "production", prompt.head, mate, title="Better")


def test_a_free_label_is_made_moved_and_taken_away(database, prompt, mate):
    label = labels.point(prompt, "production", prompt.head, mate)
    assert (label.version, label.moved_by) == (prompt.head, mate)
    assert where(prompt) == 2
    assert labels.remove(label, mate) is None
    assert where(prompt) is None
    told = AuditEvent.objects.filter(verb__startswith="label.").order_by("id")
    assert [(event.verb, event.detail.get("version")) for event in told] == [
        ("label.point", 1),
        ("label.point", 2),
        ("label.remove", None),
    ]


def test_pointing_where_it_points_changes_nothing(prompt, owner):
    events = AuditEvent.objects.count()
    labels.point(prompt, "production", prompt.versions.get(number=1), owner)
    assert AuditEvent.objects.count() == events


def test_a_label_is_not_moved_by_who_may_not_edit(prompt, viewer, stranger):
    with pytest.raises(PermissionDenied):
        labels.point(prompt, "production", prompt.head, viewer)
    with pytest.raises(Http404):
        labels.point(prompt, "production", prompt.head, stranger)
    assert where(prompt) == 1


@pytest.mark.parametrize("name", ["", "latest", "12", "Production", "a b", "a/b", "x" * 41, "-a", "a\n"])
def test_what_is_no_name_for_a_label_is_refused(prompt, owner, name):
    with pytest.raises(ValueError, match=r"\.$|name\.$"):
        labels.point(prompt, name, prompt.head, owner)


def test_a_label_never_points_at_a_version_of_another_prompt(prompt, make, owner):
    with pytest.raises(ValueError, match="another prompt"):
        labels.point(prompt, "production", make("Other").head, owner)


def test_a_label_that_needs_a_role_moves_for_who_has_it(prompt, team, owner, mate):
    labels.protect(team, "production", owner, needs_role=Role.ADMIN, needs_review=False)
    assert labels.point(prompt, "production", prompt.head, mate) == NeedsRole(Role.ADMIN)
    assert labels.remove(Label.objects.get(), mate) == NeedsRole(Role.ADMIN)
    assert where(prompt) == 1
    Membership.objects.filter(user=mate, team=team).update(role=Role.ADMIN)
    labels.point(prompt, "production", prompt.head, mate)
    assert where(prompt) == 2


def test_a_label_that_needs_a_review_moves_for_nobody(prompt, owner, reviewed):
    assert labels.point(prompt, "production", prompt.head, owner) == NeedsReview("production")
    assert labels.remove(Label.objects.get(), owner) == NeedsReview("production")
    assert where(prompt) == 1
    assert isinstance(labels.point(prompt, "staging", prompt.head, owner), Label)


def test_only_admins_make_rules_and_a_rule_of_nothing_is_none(team, owner, mate):
    with pytest.raises(PermissionDenied):
        labels.protect(team, "production", mate, needs_role=None, needs_review=True)
    labels.protect(team, "qa", owner, needs_role=Role.ADMIN, needs_review=True)
    assert [(rule.name, rule.needs_role, rule.needs_review) for rule in labels.rules(team)] == [
        ("qa", 30, True)
    ]
    assert labels.names(team) == ["production", "staging", "qa"]
    labels.protect(team, "qa", owner, needs_role=None, needs_review=False)
    assert labels.rules(team) == []
    assert AuditEvent.objects.filter(verb="label.protect").count() == 2


def test_a_review_moves_the_label_after_somebody_else_approved(database, prompt, change, mate, owner):
    with pytest.raises(Refused, match="has to approve"):
        reviews.merge(change, mate)
    with pytest.raises(Refused, match="Somebody else"):
        reviews.approve(change, mate)
    reviews.approve(change, owner)
    reviews.approve(change, owner)
    assert change.approvals.count() == 1
    reviews.merge(change, mate)
    assert where(prompt) == 2
    change.refresh_from_db()
    assert (change.state, change.ended_by, change.live) == ("merged", mate, False)
    assert AuditEvent.objects.filter(verb="change.approve").count() == 1
    assert AuditEvent.objects.get(verb="change.merge").detail == {"label": "production", "version": 2}


def test_a_review_may_make_a_label_that_was_not_there(prompt, mate, owner):
    change = reviews.open(prompt, "qa", prompt.head, mate, title="")
    assert (change.base, change.title) == (None, "qa: version 2")
    reviews.approve(change, owner)
    reviews.merge(change, owner)
    assert where(prompt, "qa") == 2


@pytest.mark.parametrize("base", [True, False])
def test_a_review_is_not_merged_over_a_label_that_moved_meanwhile(prompt, save, mate, owner, base):
    name = "production" if base else "qa"
    change = reviews.open(prompt, name, prompt.head, mate, title="x")
    reviews.approve(change, owner)
    labels.point(prompt, name, save(prompt, "third"), owner)
    with pytest.raises(Refused, match="moved since"):
        reviews.merge(change, mate)
    change.refresh_from_db()
    assert (change.state, change.ended_at, where(prompt, name)) == ("approved", None, 3)


def test_a_rule_with_a_role_asks_for_it_in_who_approves(team, prompt, mate, owner, stranger):
    labels.protect(team, "production", owner, needs_role=Role.ADMIN, needs_review=True)
    change = reviews.open(prompt, "production", prompt.head, owner, title="x")
    with pytest.raises(Refused, match="role admin"):
        reviews.approve(change, mate)
    Membership.objects.create(team=team, user=stranger, role=Role.ADMIN)
    reviews.approve(change, stranger)
    reviews.merge(change, mate)
    assert where(prompt) == 2


def test_a_request_that_is_over_takes_nothing_more(change, owner, mate):
    reviews.close(change, mate)
    for act in (
        lambda: reviews.approve(change, owner),
        lambda: reviews.merge(change, owner),
        lambda: reviews.close(change, owner),
        lambda: reviews.attach(change, owner, []),
        lambda: reviews.detach(change, owner, "run:x"),
    ):
        with pytest.raises(Refused, match="closed already"):
            act()
    assert not change.approvals.exists()


def test_viewers_and_strangers_do_nothing_to_a_request(change, prompt, viewer, stranger):
    for user, error in ((viewer, PermissionDenied), (stranger, Http404)):
        for act in (
            lambda user=user: reviews.open(prompt, "qa", prompt.head, user, title="x"),
            lambda user=user: reviews.approve(change, user),
            lambda user=user: reviews.merge(change, user),
            lambda user=user: reviews.close(change, user),
            lambda user=user: reviews.attach(change, user, []),
        ):
            with pytest.raises(error):
                act()


def test_the_same_is_not_asked_twice_nor_what_is_so_already(change, prompt, owner):
    with pytest.raises(Refused, match="open already"):
        reviews.open(prompt, "production", prompt.head, owner, title="again")
    with pytest.raises(Refused, match="points at version 1"):
        reviews.open(prompt, "production", prompt.versions.get(number=1), owner, title="again")
    with pytest.raises(Refused, match="digits"):
        reviews.open(prompt, "12", prompt.head, owner, title="again")
    reviews.close(change, owner)
    assert reviews.open(prompt, "production", prompt.head, owner, title="again").live


def test_evidence_is_of_runs_one_sees_and_each_once(change, prompt, runs, mate, owner):
    now = timezone.now()
    one, hidden = runs.add(prompt.head, now), runs.add(prompt.head, now, user=owner)
    reviews.attach(change, mate, [one.subject, one.subject])
    reviews.attach(change, mate, [one.subject])
    for wrong in (hidden.subject, "run:0b9ee8f5-9aa5-4d36-a1b8-31ab2f4e5f60", "file:x", ""):
        with pytest.raises(Refused, match="Evidence"):
            reviews.attach(change, mate, [wrong])
    assert ChangeRequest.objects.get(pk=change.pk).evidence == [one.subject]
    reviews.detach(change, mate, one.subject)
    assert ChangeRequest.objects.get(pk=change.pk).evidence == []
    many = [runs.add(prompt.head, now).subject for _ in range(51)]
    with pytest.raises(Refused, match="at most 50"):
        reviews.attach(change, mate, many)
    asked = reviews.open(prompt, "qa", prompt.head, mate, title="x", evidence=[one.subject])
    assert asked.evidence == [one.subject]


def test_live_requests_stand_first_and_the_list_costs_three_queries(
    prompt, save, mate, owner, django_assert_num_queries
):
    made = [reviews.open(prompt, f"qa{place}", prompt.head, mate, title=f"{place}") for place in range(3)]
    reviews.close(made[2], mate)
    reviews.approve(made[0], owner)
    with django_assert_num_queries(3):
        shown = [
            (one.title, one.version.number, str(one.author), [str(each.user) for each in one.approvals.all()])
            for one in reviews.of(prompt)
        ]
    assert shown == [("1", 2, "Miguel", []), ("0", 2, "Miguel", ["Olivia"]), ("2", 2, "Miguel", [])]


def test_the_names_to_choose_from_are_the_teams_own(database, make, team, owner):
    for name, prompt in (
        ("b", make()),
        ("a", make()),
        ("b", make()),
        ("far", make(team=owner.personal_team)),
    ):
        labels.point(prompt, name, prompt.head, owner)
    assert labels.names(team) == ["production", "staging", "a", "b"]
    assert labels.names(owner.personal_team) == ["production", "staging", "far"]


def test_a_label_that_moved_meanwhile_is_not_taken_away(database, prompt, mate, owner):
    seen = labels.point(prompt, "production", prompt.versions.get(number=1), mate)
    labels.point(prompt, "production", prompt.head, owner)
    with pytest.raises(ValueError, match="moved meanwhile"):
        labels.remove(seen, mate)
    assert where(prompt) == 2
    assert not AuditEvent.objects.filter(verb="label.remove").exists()


def test_an_approval_counts_only_while_its_role_is_what_the_rule_asks_for(
    database, team, prompt, mate, owner, stranger
):
    Membership.objects.create(team=team, user=stranger, role=Role.MEMBER)
    change = reviews.open(prompt, "production", prompt.head, mate, title="x")
    reviews.approve(change, stranger)
    labels.protect(team, "production", owner, needs_role=Role.ADMIN, needs_review=True)
    with pytest.raises(Refused, match="role admin now"):
        reviews.merge(change, mate)
    change.refresh_from_db()
    assert (change.state, change.ended_at) == ("approved", None)
    reviews.approve(change, owner)
    reviews.merge(change, mate)
    assert where(prompt) == prompt.head.number
