"""The search index of chat: what migration 0002 puts into each kind of database.

PostgreSQL: expression indexes, kept by the database. SQLite: a full-text table without content of its
own (the text stays in one place), numbered by `chat_searchdoc` because an implicit rowid does not survive
VACUUM, and kept by triggers. A later migration that changes Turn or Conversation makes SQLite build the
table anew, and that drops its triggers: such a migration ends with `RunPython(install, remove)`.
"""

from __future__ import annotations

import string
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# A tsvector may hold 1 MB: this many characters of four bytes each still fit.
INDEXED = 200_000
# Both parsers shall see the same words: PostgreSQL's would keep "a.b" together, and "gpt-4" as a number.
PUNCTUATION = string.punctuation

_SIGNS = PUNCTUATION.replace("'", "''")
_SPACES = " " * len(PUNCTUATION)


def install(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """Make the index for all that is there; may be called again."""
    remove(apps, editor)
    for statement in POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE:
        editor.execute(statement, None)


def remove(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in REMOVE[editor.connection.vendor]:
        editor.execute(statement, None)


POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION chat_words(body text) RETURNS tsvector"
    " LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $sql$ SELECT to_tsvector('simple'::regconfig,"
    f" translate(left(body, {INDEXED}), '{_SIGNS}', '{_SPACES}')) $sql$",
    "CREATE INDEX chat_turn_words ON chat_turn USING gin (chat_words(text))",
    "CREATE INDEX chat_title_words ON chat_conversation USING gin (chat_words(title))",
)


def _take_out(match: str, text: str) -> str:
    """A table without content forgets a row only when told its old text."""
    return f"""
        INSERT INTO chat_searchtext (chat_searchtext, rowid, body)
            SELECT 'delete', id, substr({text}, 1, {INDEXED}) FROM chat_searchdoc WHERE {match};
        DELETE FROM chat_searchdoc WHERE {match};"""  # noqa: S608 - constants of this file


def _put_in(doc: str, match: str, text: str) -> str:
    return f"""
        INSERT INTO chat_searchdoc (conversation_id, turn_id) SELECT {doc} WHERE {text} <> '';
        INSERT INTO chat_searchtext (rowid, body)
            SELECT id, substr({text}, 1, {INDEXED}) FROM chat_searchdoc WHERE {match};"""  # noqa: S608 - constants of this file


def _triggers(table: str, column: str, doc: str, match: str) -> tuple[str, ...]:
    """`match` finds the document of the row; `{row}` in it stands for NEW or OLD."""
    name = f"chat_search_{column}"
    old, new = match.format(row="OLD"), match.format(row="NEW")
    out = _take_out(old, f"OLD.{column}")
    into = _put_in(doc.format(row="NEW"), new, f"NEW.{column}")
    return (
        f"CREATE TRIGGER {name}_in AFTER INSERT ON {table} BEGIN {into} END",
        f"CREATE TRIGGER {name}_new AFTER UPDATE OF {column} ON {table} "
        f"WHEN OLD.{column} IS NOT NEW.{column} BEGIN {out} {into} END",
        f"CREATE TRIGGER {name}_out AFTER DELETE ON {table} BEGIN {out} END",
    )


SQLITE = (
    "CREATE TABLE chat_searchdoc"
    " (id INTEGER PRIMARY KEY, conversation_id char(32) NOT NULL, turn_id char(32))",
    "CREATE UNIQUE INDEX chat_searchdoc_turn ON chat_searchdoc (turn_id) WHERE turn_id IS NOT NULL",
    "CREATE UNIQUE INDEX chat_searchdoc_title ON chat_searchdoc (conversation_id) WHERE turn_id IS NULL",
    "CREATE VIRTUAL TABLE chat_searchtext USING fts5"
    " (body, content='', tokenize='unicode61 remove_diacritics 0')",
    "INSERT INTO chat_searchdoc (conversation_id, turn_id)"
    " SELECT id, NULL FROM chat_conversation WHERE title <> ''"
    " UNION ALL SELECT conversation_id, id FROM chat_turn WHERE text <> ''",
    "INSERT INTO chat_searchtext (rowid, body)"  # noqa: S608 - constants of this file
    f" SELECT doc.id, substr(coalesce(turn.text, talk.title), 1, {INDEXED})"
    " FROM chat_searchdoc doc JOIN chat_conversation talk ON talk.id = doc.conversation_id"
    " LEFT JOIN chat_turn turn ON turn.id = doc.turn_id",
    *_triggers("chat_turn", "text", "{row}.conversation_id, {row}.id", "turn_id = {row}.id"),
    *_triggers(
        "chat_conversation", "title", "{row}.id, NULL", "conversation_id = {row}.id AND turn_id IS NULL"
    ),
)

REMOVE = {
    "postgresql": (
        "DROP INDEX IF EXISTS chat_turn_words",
        "DROP INDEX IF EXISTS chat_title_words",
        "DROP FUNCTION IF EXISTS chat_words(text)",
    ),
    "sqlite": (
        *(
            f"DROP TRIGGER IF EXISTS chat_search_{column}_{when}"
            for column in ("text", "title")
            for when in ("in", "new", "out")
        ),
        "DROP TABLE IF EXISTS chat_searchtext",
        "DROP TABLE IF EXISTS chat_searchdoc",
    ),
}
