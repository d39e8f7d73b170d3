"""A claim changes no indexed column any more, and PostgreSQL finds room beside the row for what it writes."""

from __future__ import annotations

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def leave_room(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("ALTER TABLE media_mediatask SET (fillfactor = 75)")


def leave_none(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("ALTER TABLE media_mediatask RESET (fillfactor)")


class Migration(migrations.Migration):
    dependencies = [("media", "0004_task_routes")]

    operations = [
        migrations.AddIndex(
            "mediatask",
            models.Index(fields=["created_at"], condition=models.Q(status="submitting"), name="task_sent"),
        ),
        migrations.RemoveIndex("mediatask", name="task_sending"),
        migrations.RunPython(leave_room, leave_none),
    ]
