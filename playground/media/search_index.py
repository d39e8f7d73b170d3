"""The search index of tasks: what migration 0003 puts into each kind of database.

What a person wrote, and as words of their own the team, the person, the medium, the family and the model: a
common word is then looked for among few rows. It stands in a table of its own, kept by triggers, so that a
task that is only looked at costs the index nothing. SQLite: a full-text table without content, numbered by
`media_searchdoc`; a later migration that makes SQLite build the tasks' table anew drops the triggers, and
has to end with `RunPython(install, remove)`.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from playground.words import PUNCTUATION

INDEXED = 20_000
_SIGNS, _SPACES = PUNCTUATION.replace("'", "''"), " " * len(PUNCTUATION)


def install(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """Make the index for all that is there; may be called again."""
    remove(apps, editor)
    for statement in POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE:
        editor.execute(statement, None)


def remove(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in REMOVE[editor.connection.vendor]:
        editor.execute(statement, None)


def _words(row: str) -> str:
    return (
        f"to_tsvector('simple'::regconfig, translate(left({row}.title || ' ' || {row}.text, {INDEXED}),"
        f" '{_SIGNS}', '{_SPACES}') || ' t' || replace({row}.team_id::text, '-', '') || ' u' ||"
        f" replace(coalesce({row}.user_id::text, ''), '-', '') || ' m0' || {row}.medium ||"
        f" ' f0' || replace({row}.family, '_', '') ||"
        f" ' d0' || encode(convert_to({row}.model, 'UTF8'), 'hex'))"
    )


POSTGRESQL = (
    # No foreign key: nobody may be kept from emptying the tasks' table.
    "CREATE TABLE media_searchdoc (task_id uuid PRIMARY KEY, team_id uuid NOT NULL,"
    " created_at timestamptz NOT NULL, words tsvector NOT NULL)",
    "CREATE FUNCTION media_search_keep() RETURNS trigger LANGUAGE plpgsql AS $sql$ BEGIN"  # noqa: S608 - constants of this file
    " IF TG_OP <> 'INSERT' THEN DELETE FROM media_searchdoc WHERE task_id = OLD.id; END IF;"
    " IF TG_OP <> 'DELETE' THEN INSERT INTO media_searchdoc VALUES"
    f" (NEW.id, NEW.team_id, NEW.created_at, {_words('NEW')})"
    " ON CONFLICT (task_id) DO UPDATE SET team_id = EXCLUDED.team_id, created_at = EXCLUDED.created_at,"
    " words = EXCLUDED.words; END IF; RETURN NULL; END $sql$",
    "INSERT INTO media_searchdoc SELECT id, team_id, created_at,"  # noqa: S608 - constants of this file
    f" {_words('task')} FROM media_mediatask task",
    "CREATE INDEX media_searchdoc_words ON media_searchdoc USING gin (words)",
    "CREATE INDEX media_searchdoc_new ON media_searchdoc (team_id, created_at DESC, task_id DESC)",
    "CREATE TRIGGER media_search AFTER INSERT OR DELETE OR UPDATE OF title, text, team_id, user_id, medium,"
    " family, model, created_at ON media_mediatask FOR EACH ROW EXECUTE FUNCTION media_search_keep()",
)


def _body(row: str) -> str:
    return (
        f"substr({row}.title || ' ' || {row}.text, 1, {INDEXED}) || ' t' || {row}.team_id || ' u' ||"
        f" coalesce({row}.user_id, '') || ' m0' || {row}.medium || ' f0' || replace({row}.family, '_', '') ||"
        f" ' d0' || lower(hex({row}.model))"
    )


def _put_in(row: str) -> str:
    return f"""
        INSERT INTO media_searchdoc (task_id) VALUES ({row}.id);
        INSERT INTO media_searchtext (rowid, body)
            SELECT id, {_body(row)} FROM media_searchdoc WHERE task_id = {row}.id;"""  # noqa: S608 - constants of this file


def _take_out(row: str) -> str:
    """A table without content forgets a row only when told its old text."""
    return f"""
        INSERT INTO media_searchtext (media_searchtext, rowid, body)
            SELECT 'delete', id, {_body(row)} FROM media_searchdoc WHERE task_id = {row}.id;
        DELETE FROM media_searchdoc WHERE task_id = {row}.id;"""  # noqa: S608 - constants of this file


SQLITE = (
    "CREATE TABLE media_searchdoc (id INTEGER PRIMARY KEY, task_id char(32) NOT NULL UNIQUE)",
    # Without them, all words with such a beginning would be put together before the first is given.
    "CREATE VIRTUAL TABLE media_searchtext USING fts5"
    " (body, content='', tokenize='unicode61 remove_diacritics 0', prefix='1 2 3')",
    "INSERT INTO media_searchdoc (task_id) SELECT id FROM media_mediatask ORDER BY created_at",
    f"INSERT INTO media_searchtext (rowid, body) SELECT doc.id, {_body('task')}"  # noqa: S608 - constants of this file
    " FROM media_searchdoc doc JOIN media_mediatask task ON task.id = doc.task_id",
    f"CREATE TRIGGER media_search_in AFTER INSERT ON media_mediatask BEGIN {_put_in('NEW')} END",
    "CREATE TRIGGER media_search_new AFTER UPDATE OF title, text, team_id, user_id, medium, family,"
    f" model ON media_mediatask BEGIN {_take_out('OLD')} {_put_in('NEW')} END",
    f"CREATE TRIGGER media_search_out AFTER DELETE ON media_mediatask BEGIN {_take_out('OLD')} END",
)

REMOVE = {
    "postgresql": (
        "DROP TRIGGER IF EXISTS media_search ON media_mediatask",
        "DROP FUNCTION IF EXISTS media_search_keep()",
        "DROP TABLE IF EXISTS media_searchdoc",
    ),
    "sqlite": (
        *(f"DROP TRIGGER IF EXISTS media_search_{when}" for when in ("in", "new", "out")),
        "DROP TABLE IF EXISTS media_searchtext",
        "DROP TABLE IF EXISTS media_searchdoc",
    ),
}
