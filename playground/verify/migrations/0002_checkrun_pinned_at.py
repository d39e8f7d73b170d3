from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("verify", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="checkrun",
            name="pinned_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
