from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ops", "0002_model_changes"),
    ]

    operations = [
        migrations.AddField(
            model_name="usagerecord",
            name="prompt",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="unit",
            field=models.CharField(blank=True, default="", max_length=12),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="units_milli",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name="usagerecord",
            index=models.Index(
                models.F("team"),
                models.F("user"),
                models.F("at"),
                name="usage_by_user",
            ),
        ),
    ]
