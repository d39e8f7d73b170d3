"""The ledger and what belongs to it. Its triggers are put in after every migration, see `triggers`."""

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0003_team"),
        ("chat", "0004_prompts"),
        ("library", "0005_search_index"),
        ("media", "0007_prompts"),
        ("verify", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("chat", "Chat"), ("media", "Task"), ("check", "Check")], max_length=5
                    ),
                ),
                ("subject", models.UUIDField()),
                ("place", models.UUIDField(null=True)),
                ("scope", models.BigIntegerField()),
                ("family", models.CharField(max_length=30)),
                ("model", models.CharField(max_length=255)),
                ("medium", models.CharField(max_length=10)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("live", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("stopped", "Stopped"),
                            ("unclear", "Unclear"),
                        ],
                        max_length=8,
                    ),
                ),
                ("status", models.CharField(max_length=12)),
                ("error_kind", models.CharField(max_length=30)),
                ("prompt", models.UUIDField(null=True)),
                ("prompt_version", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("duration_ms", models.BigIntegerField(null=True)),
                ("first_token_ms", models.BigIntegerField(null=True)),
                ("tokens", models.BigIntegerField(null=True)),
                ("rating", models.SmallIntegerField(null=True)),
                ("hidden", models.BigIntegerField(null=True)),
                (
                    "key",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.gatewaykey",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Rebuild",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("total", models.BigIntegerField()),
                ("left", models.BigIntegerField()),
                ("began_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="Todo",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=5)),
                ("subject", models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name="Scope",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reader", models.UUIDField()),
                (
                    "team",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Doc",
            fields=[
                (
                    "entry",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="doc",
                        serialize=False,
                        to="history.entry",
                    ),
                ),
                ("scope", models.BigIntegerField()),
                ("asked", models.TextField()),
                ("said", models.TextField()),
                ("marks", models.TextField()),
            ],
            options={
                "indexes": [models.Index(fields=["scope", "entry"], name="ledger_doc_recent")],
            },
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["scope", "id"], name="ledger_recent"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["scope", "created_at"], name="ledger_by_time"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["scope", "kind", "id"], name="ledger_by_kind"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["scope", "state", "id"], name="ledger_by_state"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["scope", "family", "id"], name="ledger_by_family"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["scope", "model", "id"], name="ledger_by_model"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["scope", "user", "id"], name="ledger_by_user"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["scope", "key", "id"], name="ledger_by_key"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["scope", "tokens"], name="ledger_by_tokens"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("prompt__isnull", False)),
                fields=["scope", "prompt", "id"],
                name="ledger_by_prompt",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("error_kind", ""), _negated=True),
                fields=["scope", "error_kind", "id"],
                name="ledger_by_error",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("rating__isnull", False)),
                fields=["scope", "rating", "id"],
                name="ledger_by_rating",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("place__isnull", False)), fields=["place"], name="ledger_by_place"
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("hidden__isnull", False)), fields=["hidden"], name="ledger_hidden"
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(fields=("kind", "subject"), name="one_entry_a_subject"),
        ),
        migrations.AddConstraint(
            model_name="scope",
            constraint=models.UniqueConstraint(fields=("team", "reader"), name="one_scope_a_reader"),
        ),
    ]
