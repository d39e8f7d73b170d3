"""The search index of prompts: what migration 0003 puts into each kind of database.

Title, slug, about and `Prompt.text` in one document a prompt, and its team as a word of its own. It stands
in a table of its own, kept by triggers, so that a prompt that only moves costs it nothing. SQLite: a
full-text table without content, numbered by `library_searchdoc`; a later migration that makes SQLite build
the prompts' table anew drops the triggers, and has to end with `RunPython(install, remove)`.
"""

from __future__ import annotations

import string
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# Both parsers shall see the same words: PostgreSQL's would keep "a.b" together, and "gpt-4" as a number.
PUNCTUATION = string.punctuation
# A tsvector may hold 1 MB: this many characters of four bytes each still fit.
INDEXED = 100_000
_SIGNS, _SPACES = PUNCTUATION.replace("'", "''"), " " * len(PUNCTUATION)
COLUMNS = "title, slug, about, text, team_id"


def install(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """Make the index for all that is there; may be called again."""
    remove(apps, editor)
    for statement in POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE:
        editor.execute(statement, None)


def remove(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in REMOVE[editor.connection.vendor]:
        editor.execute(statement, None)


def _said(row: str) -> str:
    return " || ' ' || ".join(f"{row}.{column}" for column in ("title", "slug", "about", "text"))


def _words(row: str) -> str:
    return (
        f"to_tsvector('simple'::regconfig, translate(left({_said(row)}, {INDEXED}), '{_SIGNS}', '{_SPACES}')"
        f" || ' t' || replace({row}.team_id::text, '-', ''))"
    )


POSTGRESQL = (
    # No foreign key: nobody may be kept from emptying the prompts' table.
    "CREATE TABLE library_searchdoc (prompt_id uuid PRIMARY KEY, words tsvector NOT NULL)",
    "CREATE FUNCTION library_search_keep() RETURNS trigger LANGUAGE plpgsql AS $sql$ BEGIN"  # noqa: S608 - constants of this file
    " IF TG_OP <> 'INSERT' THEN DELETE FROM library_searchdoc WHERE prompt_id = OLD.id; END IF;"
    f" IF TG_OP <> 'DELETE' THEN INSERT INTO library_searchdoc VALUES (NEW.id, {_words('NEW')})"
    " ON CONFLICT (prompt_id) DO UPDATE SET words = EXCLUDED.words; END IF; RETURN NULL; END $sql$",
    f"INSERT INTO library_searchdoc SELECT id, {_words('prompt')} FROM library_prompt prompt",  # noqa: S608 - constants of this file
    "CREATE INDEX library_searchdoc_words ON library_searchdoc USING gin (words)",
    f"CREATE TRIGGER library_search AFTER INSERT OR DELETE OR UPDATE OF {COLUMNS}"
    " ON library_prompt FOR EACH ROW EXECUTE FUNCTION library_search_keep()",
)


def _body(row: str) -> str:
    return f"substr({_said(row)}, 1, {INDEXED}) || ' t' || {row}.team_id"


def _put_in(row: str) -> str:
    return f"""
        INSERT INTO library_searchdoc (prompt_id) VALUES ({row}.id);
        INSERT INTO library_searchtext (rowid, body)
            SELECT id, {_body(row)} FROM library_searchdoc WHERE prompt_id = {row}.id;"""  # noqa: S608 - constants of this file


def _take_out(row: str) -> str:
    """A table without content forgets a row only when told its old text."""
    return f"""
        INSERT INTO library_searchtext (library_searchtext, rowid, body)
            SELECT 'delete', id, {_body(row)} FROM library_searchdoc WHERE prompt_id = {row}.id;
        DELETE FROM library_searchdoc WHERE prompt_id = {row}.id;"""  # noqa: S608 - constants of this file


SQLITE = (
    "CREATE TABLE library_searchdoc (id INTEGER PRIMARY KEY, prompt_id char(32) NOT NULL UNIQUE)",
    "CREATE VIRTUAL TABLE library_searchtext USING fts5"
    " (body, content='', prefix='2 3', tokenize='unicode61 remove_diacritics 0')",
    "INSERT INTO library_searchdoc (prompt_id) SELECT id FROM library_prompt ORDER BY created_at",
    f"INSERT INTO library_searchtext (rowid, body) SELECT doc.id, {_body('prompt')}"  # noqa: S608 - constants of this file
    " FROM library_searchdoc doc JOIN library_prompt prompt ON prompt.id = doc.prompt_id",
    f"CREATE TRIGGER library_search_in AFTER INSERT ON library_prompt BEGIN {_put_in('NEW')} END",
    f"CREATE TRIGGER library_search_new AFTER UPDATE OF {COLUMNS} ON library_prompt"
    f" BEGIN {_take_out('OLD')} {_put_in('NEW')} END",
    f"CREATE TRIGGER library_search_out AFTER DELETE ON library_prompt BEGIN {_take_out('OLD')} END",
)

REMOVE = {
    "postgresql": (
        "DROP TRIGGER IF EXISTS library_search ON library_prompt",
        "DROP FUNCTION IF EXISTS library_search_keep()",
        "DROP TABLE IF EXISTS library_searchdoc",
    ),
    "sqlite": (
        *(f"DROP TRIGGER IF EXISTS library_search_{when}" for when in ("in", "new", "out")),
        "DROP TABLE IF EXISTS library_searchtext",
        "DROP TABLE IF EXISTS library_searchdoc",
    ),
}
