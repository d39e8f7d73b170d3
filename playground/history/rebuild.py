"""Making the ledger anew from runs, tasks and checks: in batches, the newest first, and again from where it
was left when the process died.

Meanwhile the triggers go on: what begins gets a higher number than anything here, as ids given here end
at 0; what changes or goes before its turn is read as it is then.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection, transaction

from playground.history import triggers
from playground.history.models import Doc, Entry, Rebuild, Todo
from playground.history.sources import Source, column_sql, dialect_of, marks, scope_sql, sources

BATCH = 5_000


def run(say: Callable[[str], None] = lambda line: None, batch: int = BATCH) -> int:
    """Make it anew, or go on where the last one stopped. How many entries it has then."""
    if Rebuild.objects.first() is None:
        begin()
    elif not triggers.installed(connection):
        triggers.install(connection)
    triggers.words_off(connection)
    while (left := step(batch)) is not None:
        say(f"{left:,} left")
    finish()
    return Entry.objects.count()


def begin() -> None:
    """Empty the ledger and note what is to be taken up."""
    with transaction.atomic():
        triggers.install(connection)
        triggers.words_off(connection)
        _empty()
        rows = " UNION ALL ".join(
            f"SELECT '{source.kind}' AS kind, id, created_at FROM {source.table}"  # noqa: S608 - of `sources`
            for source in sources(dialect_of(connection))
        )
        _do(
            f"INSERT INTO history_todo (kind, subject) SELECT kind, id FROM ({rows}) made"  # noqa: S608 - of `sources`
            " ORDER BY created_at, id"
        )
        first, last = _ends()
        # Numbered from 1, whatever was there before.
        _do("UPDATE history_todo SET id = id - %s", [first - 1]) if first > 1 else None
        Rebuild.objects.create(total=last - first + 1 if last else 0, left=last - first + 1 if last else 0)


def _empty() -> None:
    fast = connection.vendor == "postgresql"
    if fast:
        _do("TRUNCATE history_doc, history_entry")
        _do("TRUNCATE history_todo RESTART IDENTITY")
    else:
        for model in (Doc, Entry, Todo):
            _do(f"DELETE FROM {model._meta.db_table}")  # noqa: S608 - a model's
        _do("DELETE FROM sqlite_sequence WHERE name = 'history_todo'")
        # What the index held is not told to it row by row: it is made anew at the end.
        _do("INSERT INTO history_text (history_text) VALUES ('rebuild')")


def _ends() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM history_todo")
        first, last = cursor.fetchone()
    return int(first), int(last)


def step(batch: int = BATCH) -> int | None:
    """Take up the newest of those that are left. How many are left then, None when there was none."""
    with transaction.atomic():
        state = Rebuild.objects.select_for_update().first()
        if state is None or state.left <= 0:
            return None
        high = state.left
        low = max(0, high - batch)
        for source in sources(dialect_of(connection)):
            _take_up(source, low, high, state.total)
        Rebuild.objects.filter(pk=state.pk).update(left=low)
        return low


def _take_up(source: Source, low: int, high: int, total: int) -> None:
    dialect = dialect_of(connection)
    of = (
        f"FROM history_todo todo JOIN {source.table} made ON made.id = todo.subject"
        f" WHERE todo.kind = '{source.kind}' AND todo.id > %s AND todo.id <= %s"
    )
    columns = column_sql(source, "made")
    names, values = ", ".join(columns), ", ".join(columns.values())
    rating = (
        f"(SELECT value FROM history_rating rated WHERE rated.kind = '{source.kind}'"  # noqa: S608 - of `sources`
        " AND rated.subject = made.id)"
    )
    _do(scope_sql(source, "made", of), [low, high])
    _do(
        f"INSERT INTO history_entry (id, kind, subject, rating, {names})"  # noqa: S608 - of `sources`
        f" SELECT todo.id - %s, todo.kind, made.id, {rating}, {values} {of} ORDER BY todo.id"
        " ON CONFLICT DO NOTHING",
        [total, low, high],
    )
    _do(
        "INSERT INTO history_doc (entry_id, scope, asked, said, marks)"  # noqa: S608 - of `sources`
        f" SELECT entry.id, entry.scope, {source.asked.format(r='made')}, {source.said.format(r='made')},"
        f" {marks(dialect, 'entry')} FROM history_entry entry JOIN {source.table} made"
        f" ON made.id = entry.subject WHERE entry.kind = '{source.kind}' AND entry.id > %s AND entry.id <= %s"
        " ORDER BY entry.id ON CONFLICT DO NOTHING",
        [low - total, high - total],
    )


def finish() -> None:
    """The index of words, and no trace of the work."""
    with transaction.atomic():
        if connection.vendor == "sqlite":
            _do("INSERT INTO history_text (history_text) VALUES ('rebuild')")
        triggers.words_on(connection)
        _do("DELETE FROM history_todo")
        Rebuild.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE history_entry")
        cursor.execute("ANALYZE history_doc")


def _do(sql: str, values: list[int] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
