"""The databases themselves refuse to change a version, whoever asks: SQL by hand included.

One change stays possible: a version outlives its author, so `author` may become NULL. A later migration
that alters the table makes SQLite build it anew, and that drops the trigger: such a migration ends with
`RunPython(install, remove)`, with the new columns in KEPT.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

Row = TypeVar("Row", bound=models.Model)

REFUSAL = "a version is never changed"
KEPT = ("id", "prompt_id", "number", "author_name", "note", "body", "digest", "created_at")

SQLITE = (
    "CREATE TRIGGER library_version_guard BEFORE UPDATE ON library_promptversion"
    " WHEN NEW.author_id IS NOT NULL OR "
    + " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in KEPT)
    + f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
)
POSTGRESQL = (
    "CREATE FUNCTION library_refuse_version_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    f" RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
    "CREATE TRIGGER library_version_guard BEFORE UPDATE ON library_promptversion FOR EACH ROW"
    " WHEN (NEW.author_id IS NOT NULL OR "
    + " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in KEPT)
    + ") EXECUTE FUNCTION library_refuse_version_change()",
)
REMOVE = {
    "postgresql": (
        "DROP TRIGGER IF EXISTS library_version_guard ON library_promptversion",
        "DROP FUNCTION IF EXISTS library_refuse_version_change()",
    ),
    "sqlite": ("DROP TRIGGER IF EXISTS library_version_guard",),
}


class GuardError(Exception):
    """Somebody tried to change a version that was saved."""


class Unchanging(models.QuerySet[Row]):
    """Refuses here, as on the row and by the database as well. Deleting is not guarded: a version goes with
    its prompt.
    """

    def update(self, **fields: Any) -> int:
        raise GuardError(REFUSAL)

    def bulk_update(self, *rows: Any, **options: Any) -> int:
        raise GuardError(REFUSAL)


def install(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    remove(apps, editor)
    for statement in POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE:
        editor.execute(statement, None)


def remove(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in REMOVE[editor.connection.vendor]:
        editor.execute(statement, None)
