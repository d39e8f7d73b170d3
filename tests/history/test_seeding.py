"""A history that is made up looks like a real one to everything that reads it."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import Team
from playground.chat.models import Conversation, Run, Turn
from playground.history import triggers
from playground.history.models import Entry
from playground.media.models import MediaTask
from playground.ops.models import UsageRecord

pytestmark = pytest.mark.django_db(transaction=True)


def test_as_much_is_made_as_was_asked_and_the_triggers_are_back() -> None:
    call_command("seed_history", runs=60, conversations=7, tasks=5, seed=1, verbosity=0)
    team = Team.objects.get(slug="seeded")
    assert Run.objects.filter(team=team).count() == 60
    assert Conversation.objects.filter(team=team).count() == 7
    assert MediaTask.objects.filter(team=team).count() == 5
    assert UsageRecord.objects.filter(team=team).count() == 65
    tasks = UsageRecord.objects.filter(team=team, subject__startswith="task:")
    assert not tasks.filter(unit="").exists()
    assert (
        tasks.filter(outcome="succeeded", units_milli__gt=0).count()
        == tasks.filter(outcome="succeeded").count()
    )
    assert Entry.objects.count() == 65
    assert not Conversation.objects.filter(leaf=None).exists()
    assert not Turn.objects.filter(text="", role="user").exists()
    order = list(Entry.objects.order_by("pk").values_list("created_at", flat=True))
    assert order == sorted(order)
    assert set(triggers.names(triggers.SQLITE)) <= triggers.installed(connection)
    before = Entry.objects.count()
    run = Run.objects.all()[0]
    Run.objects.filter(pk=run.pk).delete()
    assert Entry.objects.count() == before - 1


def test_it_is_added_to_what_is_there() -> None:
    call_command("seed_history", runs=10, conversations=2, verbosity=0)
    call_command("seed_history", runs=10, conversations=2, verbosity=0)
    assert Run.objects.count() == 20
    assert Team.objects.filter(slug="seeded").count() == 1
