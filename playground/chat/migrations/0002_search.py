from django.db import migrations

from playground.chat import search_index


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(search_index.install, search_index.remove),
    ]
