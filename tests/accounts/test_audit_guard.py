"""The databases refuse to change what is on record, even when nobody asks Django."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from accounts import audit
from accounts.models import AuditEvent, Team, User

pytestmark = pytest.mark.usefixtures("database")
OTHER = {
    "id": "id + 1000",
    "team_id": "NULL",
    "actor_id": "actor_id",
    "verb": "'key.stolen'",
    "target": "'somebody else'",
    "ip": "'192.0.2.99'",
    "at": "'2001-01-01 00:00:00+00:00'",
    "detail": "'{}'",
}


@pytest.fixture
def person(database: str) -> User:
    return User.objects.create_user("olivia@example.com", name="Olivia")


@pytest.fixture
def event(person: User) -> AuditEvent:
    team = Team.objects.create(name="Research", slug="research")
    return audit.record(person, team, "key.add", "Production", "192.0.2.7", last4="wxyz")


def by_hand(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def rows() -> list[tuple[object, ...]]:
    return list(AuditEvent.objects.values_list())


def test_every_column_of_the_record_is_tried() -> None:
    assert {field.column for field in AuditEvent._meta.concrete_fields} == OTHER.keys()


@pytest.mark.parametrize("column", OTHER)
def test_sql_by_hand_changes_nothing_on_record(event: AuditEvent, column: str) -> None:
    before = rows()
    with pytest.raises(IntegrityError, match="an audit event is never changed"):
        by_hand(f"UPDATE accounts_auditevent SET {column} = {OTHER[column]}")
    assert rows() == before


def test_an_event_outlives_its_person_and_gets_no_other(event: AuditEvent, person: User) -> None:
    person.delete()
    left = AuditEvent.objects.get()
    assert (left.actor, left.target) == (None, "Production")
    other = User.objects.create_user("sam@example.com")
    with pytest.raises(IntegrityError, match="an audit event is never changed"), transaction.atomic():
        QuerySet(AuditEvent).update(actor=other)
    assert AuditEvent.objects.get().actor is None


def test_the_events_of_a_team_go_with_it_and_no_others(event: AuditEvent, person: User) -> None:
    audit.record(person, person.personal_team, "key.add", "Another")
    assert event.team is not None
    event.team.delete()
    assert [left.target for left in AuditEvent.objects.all()] == ["Another"]
