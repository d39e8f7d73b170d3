"""Finding conversations by title and text, within what a person may see.

One port, two implementations: SQLite's FTS5 and PostgreSQL's text search. Both look for whole words, the
last one also as a beginning. Scripts written without spaces, and signs alone, are looked for as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Left

from accounts.models import Team, User
from playground.chat.models import Conversation, Turn
from playground.chat.search_index import INDEXED, PUNCTUATION

LONGEST_QUERY = 200
MOST_WORDS = 12
BEFORE, AFTER = 50, 130

_SPACES = str.maketrans(dict.fromkeys(PUNCTUATION, " "))
# Thai, Lao, Burmese, Khmer, kana, Han and Hangul: no spaces between words, or endings glued to them.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")
_LETTER = r"[^\W_]"


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation; `excerpt` is plain text in pieces, each with whether it matched.

    `turn_id` is None when the title matched.
    """

    conversation: Conversation
    excerpt: list[tuple[str, bool]]
    turn_id: UUID | None


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: `whole` says whether as words or as they stand, anywhere."""

    words: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Found:
    conversation_id: UUID
    turn_id: UUID | None


class SearchBackend(Protocol):
    def find(self, user: User, team: Team, words: tuple[str, ...], limit: int) -> list[Found]:
        """One row a conversation, titles first, then the newest, with its newest matching turn."""


def search(user: User, team: Team, words: str, limit: int = 50) -> list[Hit]:
    """The person's own and the team's shared conversations that hold all the words. Never an error."""
    query = read(words)
    if not query.words:
        return []
    if query.whole:
        found = backend().find(user, team, query.words, limit)
    else:
        found = _find_anywhere(user, team, query.words, limit)
    return _hits(found, query)


def read(text: str) -> Query:
    clean = _UNFIT.sub(" ", text[:LONGEST_QUERY]).strip()
    if _UNSPACED.search(clean):
        return Query(tuple(clean.split())[:MOST_WORDS], whole=False)
    words = tuple(word for word in clean.translate(_SPACES).split() if re.search(_LETTER, word))
    if words:
        return Query(words[:MOST_WORDS], whole=True)
    return Query(tuple(clean.split())[:MOST_WORDS], whole=False)


def backend() -> SearchBackend:
    return PostgresSearch() if connection.vendor == "postgresql" else SqliteSearch()


class SqliteSearch:
    """FTS5. Every word is quoted, so that none is taken for an operator."""

    SQL = """
        SELECT doc.conversation_id, doc.turn_id,
            max(CASE WHEN doc.turn_id IS NULL THEN 9e15 ELSE doc.id END) AS best
        FROM chat_searchtext found JOIN chat_searchdoc doc ON doc.id = found.rowid
        JOIN chat_conversation talk ON talk.id = doc.conversation_id
        WHERE chat_searchtext MATCH %s AND talk.team_id = %s AND (talk.owner_id = %s OR talk.shared)
            AND talk.archived_at IS NULL
        GROUP BY doc.conversation_id
        ORDER BY doc.turn_id IS NULL DESC, talk.updated_at DESC LIMIT %s"""

    def find(self, user: User, team: Team, words: tuple[str, ...], limit: int) -> list[Found]:
        match = " ".join(f'"{word}"' for word in words) + "*"
        rows = _rows(self.SQL, [match, team.pk.hex, user.pk.hex, limit])
        return [Found(UUID(talk), UUID(turn) if turn else None) for talk, turn, _ in rows]


class PostgresSearch:
    """Text search with the `simple` configuration: code and model names are no English."""

    SQL = """
        WITH talk AS NOT MATERIALIZED (
            SELECT id, title, updated_at FROM chat_conversation
            WHERE team_id = %(team)s AND (owner_id = %(user)s OR shared) AND archived_at IS NULL
        ), matches AS (
            SELECT talk.id, NULL::uuid AS turn_id, talk.updated_at, talk.updated_at AS at
            FROM talk WHERE chat_words(talk.title) @@ to_tsquery('simple', %(match)s)
            UNION ALL
            SELECT talk.id, turn.id, talk.updated_at, turn.created_at
            FROM talk JOIN chat_turn turn ON turn.conversation_id = talk.id
            WHERE chat_words(turn.text) @@ to_tsquery('simple', %(match)s)
        ), best AS (
            SELECT DISTINCT ON (id) id, turn_id, updated_at FROM matches
            ORDER BY id, turn_id IS NULL DESC, at DESC
        )
        SELECT id, turn_id FROM best ORDER BY turn_id IS NULL DESC, updated_at DESC LIMIT %(limit)s"""

    def find(self, user: User, team: Team, words: tuple[str, ...], limit: int) -> list[Found]:
        match = " & ".join(f"'{word}'" for word in words) + ":*"
        values = {"match": match, "team": team.pk, "user": user.pk, "limit": limit}
        return [Found(talk, turn) for talk, turn in _rows(self.SQL, values)]


def _rows(sql: str, values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _seen(user: User, team: Team) -> QuerySet[Conversation]:
    return Conversation.objects.filter(Q(owner=user) | Q(shared=True), team=team, archived_at=None)


def _find_anywhere(user: User, team: Team, words: tuple[str, ...], limit: int) -> list[Found]:
    titled, said = Q(), Q()
    for word in words:
        titled &= Q(title__icontains=word)
        said &= Q(text__icontains=word)
    seen = _seen(user, team).order_by("-updated_at")
    titles = [Found(pk, None) for pk in seen.filter(titled).values_list("pk", flat=True)[:limit]]
    turns = Turn.objects.filter(said, conversation__in=seen.order_by())
    newest = turns.order_by("-conversation__updated_at", "-created_at")
    rows = newest.values_list("conversation_id", "pk")[: limit * 10]
    best = {found.conversation_id: found for found in reversed([Found(talk, turn) for talk, turn in rows])}
    best |= {found.conversation_id: found for found in titles}
    order = [found.conversation_id for found in titles] + [talk for talk, _ in rows]
    return [best[pk] for pk in dict.fromkeys(order)][:limit]


def _hits(found: Iterable[Found], query: Query) -> list[Hit]:
    found = list(found)
    talks = Conversation.objects.in_bulk([row.conversation_id for row in found])
    turns = Turn.objects.filter(pk__in=[row.turn_id for row in found if row.turn_id])
    texts = dict(turns.values_list("pk", Left("text", INDEXED)))
    pattern = _pattern(query)
    hits = []
    for row in found:
        if (talk := talks.get(row.conversation_id)) is not None:
            text = texts.get(row.turn_id, "") if row.turn_id else talk.title
            hits.append(Hit(talk, excerpt(text, pattern), row.turn_id))
    return hits


def _pattern(query: Query) -> re.Pattern[str]:
    words = [re.escape(word) for word in query.words]
    if query.whole:
        words = [*(f"{word}(?!{_LETTER})" for word in words[:-1]), f"{words[-1]}{_LETTER}*"]
        return re.compile(f"(?<!{_LETTER})(?:{'|'.join(words)})", re.IGNORECASE)
    return re.compile("|".join(words), re.IGNORECASE)


def excerpt(text: str, pattern: re.Pattern[str]) -> list[tuple[str, bool]]:
    """About two lines around the first match, in pieces: (plain text, whether it matched)."""
    first = pattern.search(text)
    start, end = _window(text, first.start() if first else 0)
    shown = ("…" if start else "") + " ".join(text[start:end].split()) + ("…" if end < len(text) else "")
    pieces: list[tuple[str, bool]] = []
    at = 0
    for match in pattern.finditer(shown):
        pieces += [(shown[at : match.start()], False), (match[0], True)]
        at = match.end()
    pieces.append((shown[at:], False))
    return [piece for piece in pieces if piece[0]]


def _window(text: str, at: int) -> tuple[int, int]:
    """Where the excerpt begins and ends, between words when there are spaces near."""
    start, end = max(0, at - BEFORE), min(len(text), at + AFTER)
    if start:
        space = text.find(" ", start, at)
        start = space + 1 if space >= 0 else start
    if end < len(text):
        space = text.rfind(" ", at + AFTER // 2, end)
        end = space if space >= 0 else end
    return start, end
