from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit, teams
from accounts.models import AuditError, AuditEvent, Membership, Role, Team, User


def test_every_person_gets_a_personal_team_they_own(make_user):
    user = make_user("Olivia")
    assert user.personal_team.personal_of == user
    assert Membership.objects.get(user=user).role == Role.OWNER


def test_the_database_refuses_an_address_with_capitals(db):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email="Olivia@example.com")])
    assert User.objects.create_user(" Olivia@Example.COM ").email == "olivia@example.com"


def test_an_address_belongs_to_one_person(owner):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("OLIVIA@example.com")
    assert User.objects.count() == Team.objects.count() == 1


def test_an_admin_is_made_an_owner_and_it_is_recorded(team, owner, mate):
    teams.change_role(team, mate, Role.OWNER, by=owner)
    assert Membership.objects.get(team=team, user=mate).role == Role.OWNER
    event = AuditEvent.objects.get(verb="role.change")
    assert (event.actor, event.team, event.target) == (owner, team, mate.email)
    assert event.detail == {"before": "Member", "after": "Owner"}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER, Role.ADMIN])
def test_the_last_owner_cannot_be_made_less(team, owner, role):
    with pytest.raises(teams.LastOwner):
        teams.change_role(team, owner, role, by=owner)
    assert Membership.objects.get(team=team, user=owner).role == Role.OWNER
    assert not AuditEvent.objects.exists()


def test_the_last_owner_cannot_leave_but_one_of_two_can(team, owner, mate):
    with pytest.raises(teams.LastOwner):
        teams.remove(team, owner, by=owner)
    teams.change_role(team, mate, Role.OWNER, by=owner)
    teams.remove(team, owner, by=owner)
    assert list(team.members.filter(membership__role=Role.OWNER)) == [mate]
    with pytest.raises(teams.LastOwner):
        teams.change_role(team, mate, Role.ADMIN, by=mate)


def test_nobody_is_removed_from_their_personal_team(owner):
    with pytest.raises(teams.LastOwner):
        teams.remove(owner.personal_team, owner, by=owner)


def test_roles_of_strangers_cannot_be_changed(team, owner, stranger):
    with pytest.raises(Membership.DoesNotExist):
        teams.change_role(team, stranger, Role.OWNER, by=owner)


def test_an_event_says_who_did_what_from_where(owner, team):
    event = audit.record(owner, team, "key.add", "Production", "192.0.2.7", last4="wxyz")
    event.refresh_from_db()
    assert (event.actor, event.verb, event.target, event.ip) == (owner, "key.add", "Production", "192.0.2.7")
    assert event.detail == {"last4": "wxyz"}


def test_a_verb_nobody_listed_is_refused(owner, team):
    with pytest.raises(ValueError, match="no.*a verb|not a verb"):
        audit.record(owner, team, "key.stolen")


def test_a_long_target_is_cut_not_refused(owner, team):
    assert len(audit.record(owner, team, "key.add", "x" * 500).target) == 100


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event.save(),
        lambda event: event.delete(),
        lambda event: AuditEvent.objects.update(verb="x"),
        lambda event: AuditEvent.objects.filter(pk=event.pk).delete(),
        lambda event: AuditEvent.objects.all().delete(),
        lambda event: AuditEvent.objects.bulk_update([event], ["verb"]),
        lambda event: AuditEvent.objects.update_or_create(pk=event.pk, defaults={"verb": "x"}),
    ],
)
def test_what_is_recorded_stays(owner, team, change):
    event = audit.record(owner, team, "key.add", "Production")
    with pytest.raises(AuditError):
        change(event)
    assert list(AuditEvent.objects.values_list("verb", "target")) == [("key.add", "Production")]


def test_events_outlive_the_person(owner, team, mate):
    audit.record(mate, team, "key.add", "Production")
    mate.delete()
    assert AuditEvent.objects.get().actor is None


def test_link_makes_the_person_and_prints_an_address(db, capsys, settings):
    call_command("link", "--email", "New@Example.com", "--superuser")
    user = User.objects.get(email="new@example.com")
    assert user.is_superuser
    assert not user.has_usable_password()
    assert user.personal_team
    assert capsys.readouterr().out.startswith(f"{settings.SITE_URL}/enter/")
    assert AuditEvent.objects.get().verb == "link.make"


def test_link_without_an_address_is_the_local_owners(db, capsys):
    call_command("link")
    call_command("link")
    user = User.objects.get()
    assert (user.email, user.is_superuser) == ("owner@localhost", True)
    first, second = capsys.readouterr().out.split()
    assert first != second


def test_link_refuses_what_is_no_address_and_who_is_switched_off(owner):
    with pytest.raises(CommandError, match="no e-mail address"):
        call_command("link", "--email", "nobody")
    User.objects.filter(pk=owner.pk).update(is_active=False)
    with pytest.raises(CommandError, match="switched off"):
        call_command("link", "--email", owner.email)


def test_an_old_account_keeps_its_rights_when_a_link_is_made(owner):
    call_command("link", "--email", owner.email)
    owner.refresh_from_db()
    assert not owner.is_superuser
    assert owner.has_usable_password()
    assert timezone.now() >= owner.created_at
