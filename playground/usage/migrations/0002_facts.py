from django.db import migrations

from playground.usage import facts

# Runs that were recorded before records knew their prompt.
PROMPTS = {
    "sqlite": "replace(substr(ops_usagerecord.subject, 5), '-', '')",
    "postgresql": "CAST(substr(ops_usagerecord.subject, 5) AS uuid)",
}


def fill_prompts(apps, editor):
    run_id = PROMPTS[editor.connection.vendor]
    editor.execute(
        "UPDATE ops_usagerecord SET prompt = (SELECT v.prompt_id FROM chat_run r"  # noqa: S608 - constants of this file
        f" JOIN library_promptversion v ON v.id = r.prompt_version_id WHERE r.id = {run_id})"
        " WHERE subject LIKE 'run:%'",
        None,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0001_initial"),
        ("ops", "0003_usage_facts"),
        ("chat", "0004_prompts"),
        ("library", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(fill_prompts, migrations.RunPython.noop),
        migrations.RunPython(facts.install, facts.remove),
        migrations.RunPython(facts.take_all, migrations.RunPython.noop),
    ]
