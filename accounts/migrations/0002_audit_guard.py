"""The databases themselves refuse to change an audit event, whoever asks: SQL by hand included.

One change stays possible: an event outlives its person, so `actor` may become NULL. Deleting is not guarded:
a team's events go with the team, row by row and before it, and a trigger cannot tell that from any other
DELETE. Those are refused in Python alone (`AuditEvents`).

A later migration that alters the table makes SQLite build it anew, and that drops the trigger: such a
migration ends with `RunPython` of the same two functions, with the new columns in `KEPT`.
"""

from django.db import migrations

REFUSAL = "an audit event is never changed"
KEPT = ("id", "team_id", "verb", "target", "ip", "at", "detail")

SQLITE = (
    "CREATE TRIGGER accounts_audit_guard BEFORE UPDATE ON accounts_auditevent WHEN NEW.actor_id IS NOT NULL OR "
    + " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in KEPT)
    + f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
)
POSTGRESQL = (
    "CREATE FUNCTION accounts_refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    f" RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
    "CREATE TRIGGER accounts_audit_guard BEFORE UPDATE ON accounts_auditevent FOR EACH ROW"
    " WHEN (NEW.actor_id IS NOT NULL OR "
    + " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in KEPT)
    + ") EXECUTE FUNCTION accounts_refuse_audit_change()",
)


def install(apps, editor):
    for statement in POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE:
        editor.execute(statement, None)


def remove(apps, editor):
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP TRIGGER accounts_audit_guard ON accounts_auditevent", None)
        editor.execute("DROP FUNCTION accounts_refuse_audit_change()", None)
    else:
        editor.execute("DROP TRIGGER accounts_audit_guard", None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunPython(install, remove)]
