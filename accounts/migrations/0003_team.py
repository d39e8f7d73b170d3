"""What a team needs: limits on its keys, API tokens, and an audit log that is looked through.

The table of audit events gets indexes only, which SQLite adds without building it anew: its guard stays.
"""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_audit_guard"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("label", models.CharField(max_length=60)),
                ("name", models.CharField(max_length=16, unique=True)),
                ("token_hash", models.CharField(max_length=64)),
                ("scopes", models.JSONField(default=list)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={"verbose_name": "API token"},
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="allowed_families",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="allowed_models",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="needs_role",
            field=models.PositiveSmallIntegerField(
                choices=[(10, "Viewer"), (20, "Member"), (30, "Admin"), (40, "Owner")], default=20
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                models.F("team"),
                models.F("actor"),
                models.OrderBy(models.F("at"), descending=True),
                name="audit_by_actor",
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                models.F("team"),
                models.F("verb"),
                models.OrderBy(models.F("at"), descending=True),
                name="audit_by_verb",
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="made_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="team",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to="accounts.team"
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="user",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tokens",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        # Until now nothing set `shared`, so no two team keys can have one label yet.
        migrations.RemoveConstraint(model_name="gatewaykey", name="one_live_key_a_label"),
        migrations.AddConstraint(
            model_name="gatewaykey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at", None), ("shared", False)),
                fields=("owner", "team", "label"),
                name="one_live_key_a_label",
            ),
        ),
        migrations.AddConstraint(
            model_name="gatewaykey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at", None), ("shared", True)),
                fields=("team", "label"),
                name="one_live_team_key_a_label",
            ),
        ),
    ]
