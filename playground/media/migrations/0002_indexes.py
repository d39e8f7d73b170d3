from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_audit_guard"),
        ("media", "0002_events"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="mediatask",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="task_due"
            ),
        ),
        migrations.AddIndex(
            model_name="mediatask",
            index=models.Index(condition=models.Q(("status", "new")), fields=["created_at"], name="task_new"),
        ),
        migrations.AddIndex(
            model_name="mediatask",
            index=models.Index(
                condition=models.Q(("status", "submitting")), fields=["lease_until"], name="task_sending"
            ),
        ),
        migrations.AddIndex(
            model_name="mediatask",
            index=models.Index(
                condition=models.Q(("held_at__isnull", False)), fields=["held_at"], name="task_held"
            ),
        ),
        migrations.AddIndex(
            model_name="mediatask",
            index=models.Index(fields=["team", "changed_at"], name="task_changes"),
        ),
        migrations.AddIndex(
            model_name="mediatask",
            index=models.Index(
                models.F("team"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="task_by_team",
            ),
        ),
        migrations.AddIndex(
            model_name="mediatask",
            index=models.Index(
                models.F("team"),
                models.F("medium"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="task_by_medium",
            ),
        ),
        migrations.AddIndex(
            model_name="mediatask",
            index=models.Index(
                models.F("team"),
                models.F("status"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                models.F("family"),
                models.F("medium"),
                models.F("user"),
                models.F("model"),
                name="task_by_status",
            ),
        ),
        migrations.AddIndex(
            model_name="mediatask",
            index=models.Index(
                models.F("team"),
                models.F("user"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                models.F("status"),
                models.F("family"),
                models.F("medium"),
                models.F("model"),
                name="task_by_user",
            ),
        ),
        migrations.AddIndex(
            model_name="mediatask",
            index=models.Index(
                models.F("team"),
                models.F("family"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="task_by_family",
            ),
        ),
        migrations.AddIndex(
            model_name="mediatask",
            index=models.Index(
                models.F("team"),
                models.F("model"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="task_by_model",
            ),
        ),
        migrations.AddIndex(
            model_name="mediatask",
            index=models.Index(
                models.F("team"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("favourite", True)),
                name="task_favourites",
            ),
        ),
        migrations.AddConstraint(
            model_name="mediatask",
            constraint=models.UniqueConstraint(fields=("user", "form_id"), name="one_task_a_form"),
        ),
        migrations.AddConstraint(
            model_name="mediatask",
            constraint=models.UniqueConstraint(
                condition=models.Q(("upstream_id", ""), _negated=True),
                fields=("key", "operation", "upstream_id"),
                name="one_task_an_upstream_id",
            ),
        ),
        migrations.AddConstraint(
            model_name="mediatask",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ended_at", None), ("status__in", ("new", "submitting", "waiting", "collecting"))
                    ),
                    models.Q(
                        models.Q(
                            ("status__in", ("new", "submitting", "waiting", "collecting")), _negated=True
                        ),
                        ("ended_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="task_ended_when_not_live",
            ),
        ),
        migrations.AddConstraint(
            model_name="mediatask",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "waiting"), _negated=True),
                    models.Q(
                        models.Q(("upstream_id", ""), _negated=True),
                        models.Q(
                            ("due_at__isnull", False),
                            ("held_at__isnull", False),
                            ("watching", False),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="task_waiting_has_an_id_and_is_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="callback",
            constraint=models.UniqueConstraint(fields=("task", "digest"), name="one_callback_a_body"),
        ),
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="asset_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="asset",
            constraint=models.UniqueConstraint(fields=("task", "key"), name="one_asset_an_output"),
        ),
        migrations.AddConstraint(
            model_name="asset",
            constraint=models.UniqueConstraint(fields=("task", "kind", "ordinal"), name="one_asset_a_place"),
        ),
        migrations.AddConstraint(
            model_name="asset",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "kept"), _negated=True),
                    models.Q(
                        ("kept_at__isnull", False),
                        models.Q(
                            models.Q(("file", ""), _negated=True),
                            models.Q(("text", ""), _negated=True),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="asset_kept_has_content",
            ),
        ),
        migrations.AddIndex(
            model_name="taskevent",
            index=models.Index(fields=["task", "id"], name="event_by_task"),
        ),
        migrations.AddConstraint(
            model_name="upload",
            constraint=models.UniqueConstraint(fields=("team", "sha256"), name="one_upload_a_content"),
        ),
    ]
