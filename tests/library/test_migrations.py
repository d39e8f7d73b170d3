"""The triggers of the library: there after every migration, gone after the way back, made anew at will."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from playground.library import guard, search_index
from playground.library.listing import Filters, narrowed
from playground.library.models import PromptVersion

pytestmark = pytest.mark.usefixtures("no_kinds")


def _note() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE library_promptversion SET note = 'x'")


def test_the_guard_can_be_taken_away_and_put_back(database, make):
    make()
    editor = connection.schema_editor(atomic=False)
    guard.remove(None, editor)
    _note()
    guard.install(None, editor)
    guard.install(None, editor)
    with pytest.raises(DatabaseError, match="never changed"):
        _note()
    assert PromptVersion.objects.get().note == "x"


def test_an_index_made_anew_finds_what_was_there(database, make, team, owner):
    prompt = make("Greeting", slug="x")
    editor = connection.schema_editor(atomic=False)
    search_index.remove(None, editor)
    prompt.title = "Farewell"
    prompt.save()
    search_index.install(None, editor)
    search_index.install(None, editor)
    assert list(narrowed(team, owner, Filters(words="farewell"))) == [prompt]
    assert not narrowed(team, owner, Filters(words="greeting")).exists()
