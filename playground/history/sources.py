"""What of runs, tasks and checks stands in the ledger: SQL for each column of an entry, said once, for the
triggers that keep it and for `rebuild`, on both kinds of database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

ASKED, SAID = 20_000, 40_000


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where the two databases spell differently."""

    nobody: str
    plain: Callable[[str], str]
    hexed: Callable[[str], str]
    ms: Callable[[str, str], str]


SQLITE = Dialect(
    nobody="'00000000000000000000000000000000'",
    plain=lambda uuid: f"coalesce({uuid}, '')",
    hexed=lambda text: f"lower(hex({text}))",
    ms=lambda begin, end: f"CAST(round((julianday({end}) - julianday({begin})) * 86400000.0) AS INTEGER)",
)
POSTGRESQL = Dialect(
    nobody="'00000000-0000-0000-0000-000000000000'::uuid",
    plain=lambda uuid: f"coalesce(replace({uuid}::text, '-', ''), '')",
    hexed=lambda text: f"encode(convert_to({text}, 'UTF8'), 'hex')",
    ms=lambda begin, end: f"round(extract(epoch FROM ({end} - {begin})) * 1000)::bigint",
)


@dataclass(frozen=True, slots=True)
class Source:
    """A table whose rows are in the ledger. `columns`: what each column of an entry is, of the row `{r}`;
    `reader`, `asked` and `said` likewise. `watched`: columns that matter to an entry, `told`: to its words.
    """

    kind: str
    table: str
    columns: dict[str, str]
    reader: str
    asked: str
    said: str
    watched: tuple[str, ...]
    told: tuple[str, ...]


def sources(dialect: Dialect) -> tuple[Source, ...]:
    return (_chat(dialect), _media(dialect), _check(dialect))


def _chat(dialect: Dialect) -> Source:
    counted = "coalesce({r}.input_tokens, 0) + coalesce({r}.output_tokens, 0)"
    return Source(
        kind="chat",
        table="chat_run",
        columns={
            "place": "{r}.conversation_id", "team_id": "{r}.team_id", "user_id": "{r}.user_id",
            "key_id": "{r}.key_id", "family": "{r}.family", "model": "{r}.model", "medium": "''",
            "state": _state("status", live="queued running", done="finished", failed="failed",
                            unclear="interrupted"),
            "status": "{r}.status", "error_kind": "{r}.error_kind", "prompt": _prompt(),
            "prompt_version": "{r}.prompt_version_id", "created_at": "{r}.created_at",
            "ended_at": "{r}.ended_at", "duration_ms": dialect.ms("{r}.started_at", "{r}.ended_at"),
            "first_token_ms": "{r}.first_token_ms",
            "tokens": "CASE WHEN {r}.input_tokens IS NULL AND {r}.output_tokens IS NULL THEN NULL"
                      f" ELSE {counted} END",
        },
        # Nobody reads what has no conversation.
        reader="coalesce((SELECT CASE WHEN talk.shared THEN"  # noqa: S608 - constants of this file
               f" {dialect.nobody} ELSE talk.owner_id END FROM chat_conversation talk"
               " WHERE talk.id = {r}.conversation_id), {r}.id)",
        asked=_text("{r}.asked_id", ASKED),
        said=_text("{r}.answer_id", SAID),
        watched=("team_id", "user_id", "key_id", "conversation_id", "family", "model", "status", "error_kind",
                 "prompt_version_id", "created_at", "started_at", "ended_at", "first_token_ms",
                 "input_tokens", "output_tokens"),
        told=("asked_id", "answer_id"),
    )  # fmt: skip


def _media(dialect: Dialect) -> Source:
    began = "coalesce({r}.submitted_at, {r}.created_at)"
    return Source(
        kind="media",
        table="media_mediatask",
        columns={
            "place": "NULL", "team_id": "{r}.team_id", "user_id": "{r}.user_id", "key_id": "{r}.key_id",
            "family": "{r}.family", "model": "{r}.model", "medium": "{r}.medium",
            "state": _state("status", live="new submitting waiting collecting", done="succeeded",
                            failed="failed", unclear="expired unconfirmed"),
            "status": "{r}.status", "error_kind": "{r}.error_kind", "prompt": _prompt(),
            "prompt_version": "{r}.prompt_version_id", "created_at": "{r}.created_at",
            "ended_at": "{r}.ended_at", "duration_ms": dialect.ms(began, "{r}.ended_at"),
            "first_token_ms": "NULL", "tokens": "NULL",
        },
        reader=dialect.nobody,
        asked=f"substr(CASE WHEN {{r}}.text = '' THEN {{r}}.title ELSE {{r}}.text END, 1, {ASKED})",
        said="CASE WHEN substr({r}.text, 1, length({r}.title)) = {r}.title THEN '' ELSE {r}.title END",
        watched=("team_id", "user_id", "key_id", "family", "model", "medium", "status", "error_kind",
                 "prompt_version_id", "created_at", "submitted_at", "ended_at"),
        told=("title", "text"),
    )  # fmt: skip


def _check(dialect: Dialect) -> Source:
    return Source(
        kind="check",
        table="verify_checkrun",
        columns={
            "place": "NULL", "team_id": "{r}.team_id", "user_id": "{r}.user_id", "key_id": "{r}.key_id",
            "family": "''", "model": "''", "medium": "''",
            "state": _state("state", live="queued running", done="passed", failed="failed",
                            unclear="interrupted"),
            "status": "{r}.state", "error_kind": "''", "prompt": "NULL", "prompt_version": "NULL",
            "created_at": "{r}.created_at", "ended_at": "{r}.ended_at",
            "duration_ms": dialect.ms("{r}.started_at", "{r}.ended_at"),
            "first_token_ms": "NULL", "tokens": "NULL",
        },
        reader=f"CASE WHEN {{r}}.shared THEN {dialect.nobody} ELSE coalesce({{r}}.user_id, {{r}}.id) END",
        asked="'Check of ' || {r}.key_label",
        said="{r}.base_url",
        watched=("team_id", "user_id", "key_id", "shared", "state", "created_at", "started_at", "ended_at"),
        told=("key_label", "base_url"),
    )  # fmt: skip


def _state(column: str, **words: str) -> str:
    cases = " ".join(
        f"WHEN '{word}' THEN '{state}'" for state, known in words.items() for word in known.split()
    )
    return f"CASE {{r}}.{column} {cases} ELSE 'stopped' END"


def _prompt() -> str:
    return (
        "(SELECT version.prompt_id FROM library_promptversion version"
        " WHERE version.id = {r}.prompt_version_id)"
    )


def _text(turn: str, most: int) -> str:
    return (
        f"coalesce((SELECT substr(turn.text, 1, {most})"  # noqa: S608 - constants of this file
        f" FROM chat_turn turn WHERE turn.id = {turn}), '')"
    )


def marks(dialect: Dialect, row: str) -> str:
    """The filters of an entry as words, so that a common word beside a rare filter is quickly found. They
    begin as no word does that people look for.
    """
    plain = {name: dialect.plain(f"{row}.{name}") for name in ("user_id", "key_id", "prompt")}
    return (
        f"'zqs' || {row}.scope || ' zqc' || {row}.kind || ' zqu' || {plain['user_id']} || ' zqk' ||"
        f" {plain['key_id']} || ' zqp' || {plain['prompt']} || ' zqf' || replace({row}.family, '_', '') ||"
        f" ' zqd' || {dialect.hexed(f'{row}.model')}"
    )


MARKED = ("scope", "kind", "user_id", "key_id", "prompt", "family", "model")


def dialect_of(connection: BaseDatabaseWrapper) -> Dialect:
    return POSTGRESQL if connection.vendor == "postgresql" else SQLITE


def scope_sql(source: Source, row: str, rest: str = "") -> str:
    """Make sure that the scope of a row is there. `rest`: where the row is from."""
    reader = source.reader.format(r=row)
    return (
        "INSERT INTO history_scope (team_id, reader)"  # noqa: S608 - constants of this file
        f" SELECT DISTINCT {row}.team_id, {reader} {rest or 'WHERE'} {'AND' if rest else ''}"
        " NOT EXISTS (SELECT 1 FROM history_scope known"
        f" WHERE known.team_id = {row}.team_id AND known.reader = {reader}) ON CONFLICT DO NOTHING"
    )


def column_sql(source: Source, row: str) -> dict[str, str]:
    """What each column of an entry is."""
    told = {name: sql.format(r=row) for name, sql in source.columns.items()}
    told["scope"] = (
        f"(SELECT scope.id FROM history_scope scope WHERE scope.team_id = {row}.team_id"  # noqa: S608 - constants of this file
        f" AND scope.reader = {source.reader.format(r=row)})"
    )
    return told
