"""Tasks name the version of the prompt they were made of. No column makes SQLite build the table anew."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("library", "0001_initial"), ("media", "0006_task_search")]

    operations = [
        migrations.AddField(
            "mediatask",
            "prompt_version",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="library.promptversion",
            ),
        ),
        migrations.AddField("mediatask", "variables", models.JSONField(blank=True, null=True)),
        migrations.AddIndex(
            "mediatask",
            models.Index(
                models.F("prompt_version"),
                models.OrderBy(models.F("created_at"), descending=True),
                condition=models.Q(prompt_version__isnull=False),
                name="task_by_prompt",
            ),
        ),
    ]
