"""What the databases do for a page of tasks: they walk an index, and judge so many tasks at the most."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Team, User
from playground.media import catalogue, listing, offers, search
from playground.media.listing import Filters
from playground.media.models import MediaTask

pytestmark = pytest.mark.usefixtures("database")
ROWS = 300


@pytest.fixture
def crowd(owner: User, team: Team) -> Iterator[User]:
    """More tasks than a page, known to the planner, which is told to read no table from end to end."""
    began = timezone.now()
    MediaTask.objects.bulk_create(
        MediaTask(
            team=team,
            user=owner,
            operation="kling.text2video",
            family="kling",
            medium="video",
            model=f"model-{number % 3}",
            title=f"a boat number {number}",
            created_at=began + timedelta(seconds=number),
        )
        for number in range(ROWS)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
    yield owner
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = on")


def asked(team: Team, filters: Filters, mark: str = "") -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        listing.page(team, filters, mark, limit=10)
    return [query["sql"] for query in queries.captured_queries]


def plans(statements: list[str]) -> str:
    how = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    lines = []
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(how + statement.replace("%", "%%"))
            lines += [str(row[-1]) for row in cursor.fetchall()]
    return "\n".join(lines)


WALKED = {
    "postgresql": r"Seq Scan on media_",
    "sqlite": r"^SCAN (?!media_searchtext VIRTUAL TABLE|found|\(subquery|newest)",
}


@pytest.mark.parametrize(
    "narrowed",
    [
        {},
        {"medium": "video"},
        {"status": "new"},
        {"status": "failed"},
        {"family": "kling"},
        {"model": "model-1"},
        {"user": True},
        {"favourite": True},
        {"words": "boat"},
        {"words": "boat", "model": "model-1", "status": "failed"},
        {"words": "bo", "favourite": True},
        {"words": "number 7"},
    ],
    ids=str,
)
def test_no_page_reads_a_table_from_end_to_end(crowd: User, team: Team, narrowed: dict[str, Any]) -> None:
    if "user" in narrowed:
        narrowed = {"user": crowd.pk}
    filters = Filters(**narrowed)
    mark = listing.page(team, filters, limit=10).next_mark
    for place in ("", mark):
        statements = asked(team, filters, place)
        told = plans(statements)
        assert not re.search(WALKED[connection.vendor], told, re.MULTILINE), told
        assert len(statements) <= 5
        if not filters.words and not filters.favourite:
            assert "TEMP B-TREE" not in told


def test_a_form_judges_the_newest_tasks_alone_for_the_models_in_use(
    crowd: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = catalogue.find("dashscope.video")
    assert operation
    mine = {"team": team, "user": crowd, "family": "dashscope", "medium": "video", "model": "of-ours"}
    MediaTask.objects.create(operation=operation.key, **mine)
    assert "of-ours" in offers.of(operation, team, None).fitting
    monkeypatch.setattr(offers, "JUDGED", 100)
    assert "of-ours" not in offers.of(operation, team, None).fitting


def test_a_common_word_is_not_looked_up_in_the_index_of_words(
    crowd: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SCANNED", 20)
    monkeypatch.setattr(search, "COMMON", 10)
    filters = Filters(words="boat", favourite=True)
    assert listing.page(team, filters, limit=10).next_mark
    if connection.vendor == "postgresql":
        assert "media_searchdoc_words" not in plans(asked(team, filters))


def test_a_rare_word_is_found_however_far_back(
    crowd: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SCANNED", 20)
    page = listing.page(team, Filters(words="number 7"), limit=20)
    assert [task.title for task in page.tasks][-2:] == ["a boat number 70", "a boat number 7"]
    assert page.next_mark == ""


def test_beginnings_of_up_to_three_letters_have_an_index_on_sqlite(db: None) -> None:
    """Without it, every word with that beginning is put together first."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'media_searchtext'")
        assert "prefix='1 2 3'" in cursor.fetchone()[0]
