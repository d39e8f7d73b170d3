from django.db import migrations

from playground.library import search_index


class Migration(migrations.Migration):
    dependencies = [("library", "0004_version_guard")]

    operations = [migrations.RunPython(search_index.install, search_index.remove)]
