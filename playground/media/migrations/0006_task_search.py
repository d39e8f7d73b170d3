"""The search knows models as words, and on SQLite the beginnings of words."""

from django.db import migrations

from playground.media import search_index


class Migration(migrations.Migration):
    dependencies = [("media", "0005_cheap_claims")]

    operations = [migrations.RunPython(search_index.install, migrations.RunPython.noop)]
