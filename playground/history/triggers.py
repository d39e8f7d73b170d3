"""What keeps the ledger exact: triggers on runs, chats, turns, tasks and checks, and the words' index.

They are put in after every migration and not by one: SQLite cannot rename a table while a trigger names one
that is away, so `apps` takes them out before tables are made anew, and puts them in again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

from playground.history.sources import (
    ASKED,
    MARKED,
    POSTGRESQL,
    SAID,
    SQLITE,
    Dialect,
    Source,
    column_sql,
    dialect_of,
    marks,
    scope_sql,
    sources,
)
from playground.words import PUNCTUATION

_SIGNS, _SPACES = PUNCTUATION.replace("'", "''"), " " * len(PUNCTUATION)


def _entering(source: Source, dialect: Dialect) -> list[str]:
    columns = column_sql(source, "NEW")
    names, values = ", ".join(columns), ", ".join(columns.values())
    return [
        scope_sql(source, "NEW"),
        f"INSERT INTO history_entry (kind, subject, {names}) SELECT '{source.kind}', NEW.id, {values}"  # noqa: S608 - constants of this file
        " WHERE true ON CONFLICT DO NOTHING",
        "INSERT INTO history_doc (entry_id, scope, asked, said, marks)"  # noqa: S608 - constants of this file
        f" SELECT entry.id, entry.scope, {source.asked.format(r='NEW')}, {source.said.format(r='NEW')},"
        f" {marks(dialect, 'entry')} FROM history_entry entry WHERE {_mine('NEW', source, 'entry.')}"
        " ON CONFLICT DO NOTHING",
    ]


def _mine(row: str, source: Source, prefix: str = "") -> str:
    return f"{prefix}kind = '{source.kind}' AND {prefix}subject = {row}.id"


def _changing(source: Source) -> list[str]:
    pairs = ", ".join(f"{name} = {sql}" for name, sql in column_sql(source, "NEW").items())
    return [
        scope_sql(source, "NEW"),
        f"UPDATE history_entry SET {pairs} WHERE {_mine('NEW', source)}",  # noqa: S608 - constants of this file
    ]


def _telling(source: Source) -> list[str]:
    entry = f"(SELECT id FROM history_entry WHERE {_mine('NEW', source)})"  # noqa: S608 - constants of this file
    asked, said = source.asked.format(r="NEW"), source.said.format(r="NEW")
    return [f"UPDATE history_doc SET asked = {asked}, said = {said} WHERE entry_id = {entry}"]  # noqa: S608 - constants of this file


def _leaving(source: Source) -> list[str]:
    rated = f"SELECT id FROM history_rating WHERE {_mine('OLD', source)}"  # noqa: S608 - constants of this file
    return [
        f"DELETE FROM history_tagging WHERE rating_id IN ({rated})",  # noqa: S608 - constants of this file
        f"DELETE FROM history_share WHERE {_mine('OLD', source)}",  # noqa: S608 - constants of this file
        f"DELETE FROM history_rating WHERE {_mine('OLD', source)}",  # noqa: S608 - constants of this file
        f"DELETE FROM history_entry WHERE {_mine('OLD', source)}",  # noqa: S608 - constants of this file
    ]


def _spoken(column: str, to: str, most: int) -> str:
    runs = f"SELECT run.id FROM chat_run run WHERE run.{column} = NEW.id"  # noqa: S608 - constants of this file
    return (
        f"UPDATE history_doc SET {to} = substr(NEW.text, 1, {most}) WHERE entry_id IN"  # noqa: S608 - constants of this file
        f" (SELECT id FROM history_entry WHERE kind = 'chat' AND subject IN ({runs}))"
    )


@dataclass(frozen=True, slots=True)
class Trigger:
    name: str
    table: str
    event: str
    statements: list[str]
    when: str = ""


def triggers(dialect: Dialect) -> Iterator[Trigger]:
    for source in sources(dialect):
        name = f"history_{source.kind}"
        changed, told = (f"UPDATE OF {', '.join(columns)}" for columns in (source.watched, source.told))
        yield Trigger(f"{name}_in", source.table, "INSERT", _entering(source, dialect))
        yield Trigger(f"{name}_new", source.table, changed, _changing(source))
        yield Trigger(f"{name}_told", source.table, told, _telling(source))
        yield Trigger(f"{name}_out", source.table, "DELETE", _leaving(source))
    spoken = [_spoken("asked_id", "asked", ASKED), _spoken("answer_id", "said", SAID)]
    yield Trigger("history_turn", "chat_turn", "UPDATE OF text", spoken, "OLD.text <> NEW.text")
    yield Trigger(
        "history_talk", "chat_conversation", "UPDATE OF shared, owner_id", _handing_over(dialect),
        "OLD.shared <> NEW.shared OR OLD.owner_id <> NEW.owner_id",
    )  # fmt: skip
    marked = (
        f"UPDATE history_doc SET scope = NEW.scope, marks = {marks(dialect, 'NEW')} WHERE entry_id = NEW.id"  # noqa: S608 - constants of this file
    )
    changed = " OR ".join(f"OLD.{name} <> NEW.{name}" for name in ("scope", "family", "model"))
    nulls = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in ("user_id", "key_id", "prompt"))
    if dialect is SQLITE:
        nulls = nulls.replace("IS DISTINCT FROM", "IS NOT")
    yield Trigger(
        "history_marks", "history_entry", f"UPDATE OF {', '.join(MARKED)}", [marked], f"{changed} OR {nulls}"
    )
    forget = ["DELETE FROM history_doc WHERE entry_id = OLD.id"]
    yield Trigger("history_forget", "history_entry", "DELETE", forget)


def _handing_over(dialect: Dialect) -> list[str]:
    """The entries of a conversation that is shared, not shared any more, or somebody else's."""
    reader = f"CASE WHEN NEW.shared THEN {dialect.nobody} ELSE NEW.owner_id END"
    scope = f"(SELECT id FROM history_scope WHERE team_id = NEW.team_id AND reader = {reader})"  # noqa: S608 - constants of this file
    return [
        f"INSERT INTO history_scope (team_id, reader) SELECT NEW.team_id, {reader} WHERE true"  # noqa: S608 - constants of this file
        " ON CONFLICT DO NOTHING",
        f"UPDATE history_entry SET scope = {scope} WHERE place = NEW.id",  # noqa: S608 - constants of this file
    ]


def words_sqlite() -> list[Trigger]:
    put = (
        "INSERT INTO history_text (rowid, asked, said, marks)"
        " VALUES (NEW.entry_id, NEW.asked, NEW.said, NEW.marks)"
    )
    take = (
        "INSERT INTO history_text (history_text, rowid, asked, said, marks)"
        " VALUES ('delete', OLD.entry_id, OLD.asked, OLD.said, OLD.marks)"
    )
    return [
        Trigger("history_words_in", "history_doc", "INSERT", [put]),
        Trigger("history_words_new", "history_doc", "UPDATE", [take, put]),
        Trigger("history_words_out", "history_doc", "DELETE", [take]),
    ]


_TEXT = f"translate(asked || ' ' || said, '{_SIGNS}', '{_SPACES}')"
# What people said is of weight A: a search for it does not find a filter.
WORDS_POSTGRESQL = (
    f"setweight(to_tsvector('simple'::regconfig, {_TEXT}), 'A')"
    " || setweight(to_tsvector('simple'::regconfig, marks), 'D')"
)
MAKE_WORDS = {
    "postgresql": (
        "ALTER TABLE history_doc ADD COLUMN IF NOT EXISTS words tsvector GENERATED ALWAYS AS"
        f" ({WORDS_POSTGRESQL}) STORED",
    ),
    "sqlite": (
        # The text itself stays in one place. Without `prefix`, all words with such a beginning would be put
        # together before the first is given.
        "CREATE VIRTUAL TABLE IF NOT EXISTS history_text USING fts5 (asked, said, marks,"
        " content='history_doc', content_rowid='entry_id', tokenize='unicode61 remove_diacritics 0',"
        " prefix='1 2 3')",
    ),
}
WORDS_INDEX = "CREATE INDEX IF NOT EXISTS history_doc_words ON history_doc USING gin (words)"


def names(dialect: Dialect) -> list[str]:
    extra = words_sqlite() if dialect is SQLITE else []
    return [trigger.name for trigger in (*triggers(dialect), *extra)]


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers in, as they are now."""
    remove(connection)
    dialect = dialect_of(connection)
    for sql in MAKE_WORDS[connection.vendor]:
        _run(connection, sql)
    for trigger in triggers(dialect):
        for sql in _made(trigger, dialect):
            _run(connection, sql)
    words_on(connection)


def remove(connection: BaseDatabaseWrapper) -> None:
    dialect = dialect_of(connection)
    there = _tables(connection)
    extra = words_sqlite() if dialect is SQLITE else []
    for trigger in (*triggers(dialect), *extra):
        if trigger.table in there:
            on = f" ON {trigger.table}" if dialect is POSTGRESQL else ""
            _run(connection, f"DROP TRIGGER IF EXISTS {trigger.name}{on}")


def words_on(connection: BaseDatabaseWrapper) -> None:
    """From here on every change of a document goes into the index of words."""
    if connection.vendor == "postgresql":
        _run(connection, WORDS_INDEX)
        return
    for trigger in words_sqlite():
        _run(connection, f"DROP TRIGGER IF EXISTS {trigger.name}")
        for sql in _made(trigger, SQLITE):
            _run(connection, sql)


def words_off(connection: BaseDatabaseWrapper) -> None:
    """For a rebuild, which makes the index at once at its end."""
    if connection.vendor == "postgresql":
        _run(connection, "DROP INDEX IF EXISTS history_doc_words")
        return
    for trigger in words_sqlite():
        _run(connection, f"DROP TRIGGER IF EXISTS {trigger.name}")


def installed(connection: BaseDatabaseWrapper) -> set[str]:
    """Names of the ledger's triggers that are there."""
    sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'history%%'"
    if connection.vendor == "postgresql":
        sql = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'history%%'"
    with connection.cursor() as cursor:
        cursor.execute(sql, [])
        return {name for (name,) in cursor.fetchall()}


def _made(trigger: Trigger, dialect: Dialect) -> Iterator[str]:
    body = " ".join(f"{statement};" for statement in trigger.statements)
    when = f" WHEN ({trigger.when})" if trigger.when else ""
    if dialect is SQLITE:
        head = f"CREATE TRIGGER {trigger.name} AFTER {trigger.event} ON {trigger.table}"
        yield f"{head} FOR EACH ROW{when} BEGIN {body} END"
        return
    function = f"{trigger.name}_keep"
    yield (
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $sql$ BEGIN {body} RETURN NULL; END $sql$"
    )
    yield (
        f"CREATE TRIGGER {trigger.name} AFTER {trigger.event} ON {trigger.table}"
        f" FOR EACH ROW{when} EXECUTE FUNCTION {function}()"
    )


def _tables(connection: BaseDatabaseWrapper) -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.table_names(cursor))


def _run(connection: BaseDatabaseWrapper, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
