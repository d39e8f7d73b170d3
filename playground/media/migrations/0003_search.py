from django.db import migrations

from playground.media import search_index


class Migration(migrations.Migration):
    dependencies = [
        ("media", "0002_indexes"),
    ]

    operations = [
        migrations.RunPython(search_index.install, search_index.remove),
    ]
