from django.db import migrations

from playground.library import guard


class Migration(migrations.Migration):
    dependencies = [("library", "0003_constraints")]

    operations = [migrations.RunPython(guard.install, guard.remove)]
