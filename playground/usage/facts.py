"""How a usage record becomes figures: the triggers that keep what is new, and the SQL that prices it.

A trigger on `ops_usagerecord` writes each record, and each change of one, to `usage_fact` in the same
statement: nothing is lost at a kill, nobody waits for another, and whoever writes records is counted. A later
migration that alters UsageRecord makes SQLite build the table anew, and that drops the triggers: such a
migration is followed by one that ends with `RunPython(install, remove)`.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from playground.usage.prices import MOST_COUNTED

TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning")
COLUMNS = (
    *("team_id", "at", "user_id", "key_id", "prompt", "family", "model", "outcome", "unit", "units_milli"),
    *(f"{name}_tokens" for name in TOKENS),
    "latency_ms",
)
GOOD = ("finished", "succeeded", "passed")
BAD = ("failed", "expired", "interrupted", "unconfirmed")
TRIGGERS = ("usage_fact_in", "usage_fact_new", "usage_fact_out")


def _keep(sign: int, row: str) -> str:
    names, values = ", ".join(COLUMNS), ", ".join(f"{row}.{name}" for name in COLUMNS)
    return f"INSERT INTO usage_fact (sign, {names}) VALUES ({sign}, {values});"  # noqa: S608 - constants of this file


SQLITE = (
    f"CREATE TRIGGER usage_fact_in AFTER INSERT ON ops_usagerecord BEGIN {_keep(1, 'NEW')} END",
    "CREATE TRIGGER usage_fact_new AFTER UPDATE ON ops_usagerecord WHEN "
    + " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in COLUMNS)
    + f" BEGIN {_keep(-1, 'OLD')} {_keep(1, 'NEW')} END",
    f"CREATE TRIGGER usage_fact_out AFTER DELETE ON ops_usagerecord BEGIN {_keep(-1, 'OLD')} END",
)
POSTGRESQL = (
    "CREATE FUNCTION usage_keep_fact() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    f" IF TG_OP <> 'INSERT' THEN {_keep(-1, 'OLD')} END IF;"
    f" IF TG_OP <> 'DELETE' THEN {_keep(1, 'NEW')} END IF;"
    " RETURN NULL; END $$",
    "CREATE TRIGGER usage_fact_in AFTER INSERT ON ops_usagerecord"
    " FOR EACH ROW EXECUTE FUNCTION usage_keep_fact()",
    "CREATE TRIGGER usage_fact_new AFTER UPDATE ON ops_usagerecord FOR EACH ROW WHEN ("
    + " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in COLUMNS)
    + ") EXECUTE FUNCTION usage_keep_fact()",
    "CREATE TRIGGER usage_fact_out AFTER DELETE ON ops_usagerecord"
    " FOR EACH ROW EXECUTE FUNCTION usage_keep_fact()",
)


def install(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """May be called again; does not look at the records that are there, see `take_all`."""
    remove(apps, editor)
    for statement in POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE:
        editor.execute(statement, None)


def remove(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    postgresql = editor.connection.vendor == "postgresql"
    for name in TRIGGERS:
        editor.execute(f"DROP TRIGGER IF EXISTS {name}" + (" ON ops_usagerecord" if postgresql else ""), None)
    if postgresql:
        editor.execute("DROP FUNCTION IF EXISTS usage_keep_fact()", None)


def take_all(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """Every record there is as new, for a database that had records before there were roll-ups."""
    names = ", ".join(COLUMNS)
    editor.execute(f"INSERT INTO usage_fact (sign, {names}) SELECT 1, {names} FROM ops_usagerecord", None)  # noqa: S608 - constants of this file


COST = f"""
CASE WHEN p.id IS NULL THEN NULL
WHEN r.unit <> '' THEN
    CASE WHEN p.unit = r.unit AND r.units_milli <= {MOST_COUNTED} THEN r.units_milli * p.unit_micro END
WHEN r.input_tokens <= {MOST_COUNTED} AND r.output_tokens <= {MOST_COUNTED}
    AND COALESCE(r.cache_read_tokens, 0) + COALESCE(r.cache_write_tokens, 0) <= r.input_tokens THEN
    (CAST(r.input_tokens - COALESCE(r.cache_read_tokens, 0) - COALESCE(r.cache_write_tokens, 0) AS bigint)
        * p.input_micro
    + CAST(COALESCE(r.cache_read_tokens, 0) AS bigint) * COALESCE(p.cache_read_micro, p.input_micro)
    + CAST(COALESCE(r.cache_write_tokens, 0) AS bigint) * COALESCE(p.cache_write_micro, p.input_micro)
    + CAST(r.output_tokens AS bigint) * p.output_micro + 500) / 1000
END"""
# The batch that is being rolled up, priced; the order is that of `priced`.
BATCH = (
    *("sign", "team_id", "slot", "person", "key", "prompt", "family", "model", "unit", "good", "bad"),
    *TOKENS,
    *("units", "nano", "latency_ms"),
)


def priced(source: str, where: str, sign: str = "r.sign") -> str:
    """A SELECT of the rows of `source` with their costs, in the columns of `BATCH`."""
    good, bad = (", ".join(f"'{outcome}'" for outcome in told) for told in (GOOD, BAD))
    tokens = ", ".join(f"r.{name}_tokens AS {name}" for name in TOKENS)
    return f"""
SELECT {sign} AS sign, r.team_id AS team_id, {slot_of("r.at")} AS slot, r.user_id AS person,
    {hexed("r.key_id")} AS key, {hexed("r.prompt")} AS prompt, r.family AS family, r.model AS model,
    r.unit AS unit,
    CASE WHEN r.outcome IN ({good}) THEN 1 ELSE 0 END AS good,
    CASE WHEN r.outcome IN ({bad}) THEN 1 ELSE 0 END AS bad,
    {tokens}, r.units_milli AS units, {COST} AS nano, r.latency_ms AS latency_ms
FROM {source} r LEFT JOIN usage_price p ON p.team_id = r.team_id AND p.family = r.family
    AND p.model = r.model AND p.replaced_at IS NULL AND p.since <= r.at
    AND (p.until IS NULL OR r.at < p.until)
WHERE {where}"""  # noqa: S608 - names of this module alone


def slot_of(at: str) -> str:
    """Whole hours since 1970."""
    if connection.vendor == "postgresql":
        return f"CAST(floor(extract(epoch FROM {at}) / 3600) AS integer)"
    return f"(CAST(strftime('%%s', {at}) AS integer) / 3600)"


def hexed(column: str) -> str:
    """An id as 32 digits, "" for none."""
    if connection.vendor == "postgresql":
        return f"COALESCE(replace(CAST({column} AS text), '-', ''), '')"
    return f"COALESCE({column}, '')"
