"""Many rows into a database at once, past the ORM, the triggers and (where that is allowed) the foreign keys.

What triggers keep beside the rows is the caller's to make afterwards.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import JSONField, Model

AT_ONCE = 20_000


class Loader:
    """Takes rows of the models given to it, in any order; they are all in when the block ends."""

    def __init__(self, *models: type[Model]) -> None:
        self.models = models
        self.rows: dict[type[Model], list[Model]] = {model: [] for model in models}
        self.count = 0
        self.triggers: list[str] = []

    def __enter__(self) -> Loader:
        if connection.vendor == "sqlite":
            connection.disable_constraint_checking()
            self.triggers = self._drop_triggers()
        else:
            self._quiet_triggers("DISABLE", "replica")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._flush()
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                for sql in self.triggers:
                    cursor.execute(sql)
            connection.enable_constraint_checking()
        else:
            self._quiet_triggers("ENABLE", "origin")

    def add(self, row: Model) -> None:
        self.rows[type(row)].append(row)
        self.count += 1
        if self.count >= AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        with transaction.atomic():
            for model, rows in self.rows.items():
                if rows:
                    (_copy if connection.vendor == "postgresql" else _insert)(model, rows)
                rows.clear()
        self.count = 0

    def _tables(self) -> list[str]:
        return [model._meta.db_table for model in self.models]

    def _drop_triggers(self) -> list[str]:
        """SQLite has no switch for them."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
            found = [(name, sql) for name, table, sql in cursor.fetchall() if table in self._tables()]
            for name, _ in found:
                cursor.execute(f'DROP TRIGGER "{name}"')
        return [sql for _, sql in found]

    def _quiet_triggers(self, word: str, role: str) -> None:
        """A superuser's session skips foreign keys too; for anybody else they are checked as ever."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET session_replication_role = {role}")
        except DatabaseError:
            with transaction.atomic(), connection.cursor() as cursor:
                for table in self._tables():
                    cursor.execute(f"ALTER TABLE {table} {word} TRIGGER USER")


def _columns(model: type[Model]) -> tuple[list[Any], str]:
    fields = [field for field in model._meta.concrete_fields if field.attname != "id" or not _counted(model)]
    return fields, ", ".join(f'"{field.column}"' for field in fields)


def _counted(model: type[Model]) -> bool:
    """Whether the database numbers its rows."""
    return model._meta.auto_field is not None


def _insert(model: type[Model], rows: list[Model]) -> None:
    fields, names = _columns(model)
    marks = ", ".join("%s" for _ in fields)
    sql = f"INSERT INTO {model._meta.db_table} ({names}) VALUES ({marks})"  # noqa: S608 - names of a model
    values = [
        [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields] for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(sql, values)


def _copy(model: type[Model], rows: list[Model]) -> None:
    fields, names = _columns(model)
    plain = [not isinstance(field, JSONField) for field in fields]
    sql = f"COPY {model._meta.db_table} ({names}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(sql) as out:
        for row in rows:
            out.write_row(
                [
                    getattr(row, field.attname)
                    if as_is
                    else field.get_db_prep_save(getattr(row, field.attname), connection)
                    for field, as_is in zip(fields, plain, strict=True)
                ]
            )
