"""Finding prompts by words: what is asked of the index that `search_index` makes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from django.db import connection
from django.db.models import F, Func, Q, QuerySet, UUIDField
from django.db.models.expressions import RawSQL

from playground.library.models import Prompt
from playground.library.search_index import PUNCTUATION

LONGEST_QUERY, MOST_WORDS = 200, 12
_TO_SPACES = str.maketrans(dict.fromkeys(PUNCTUATION, " "))
_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")
# Thai to Khmer, kana, Han, Hangul: written without spaces, so that no parser finds the words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)


def matching(rows: QuerySet[Prompt], team: uuid.UUID, text: str) -> QuerySet[Prompt]:
    """Those that hold every word, the last also as a beginning; a script without spaces as it stands."""
    clean = _UNFIT.sub(" ", text[:LONGEST_QUERY]).strip()
    if not clean:
        return rows
    words = [] if _UNSPACED.search(clean) else clean.translate(_TO_SPACES).split()
    if words and connection.vendor == "postgresql":
        return rows.filter(pk__in=_indexed(team, words[:MOST_WORDS]))
    if words:
        # As an expression, so that SQLite does not fetch and sort every match to show the first fifty.
        unindexed = Func(F("pk"), template="+%(expressions)s", output_field=UUIDField())
        return rows.alias(found=unindexed).filter(found__in=_indexed(team, words[:MOST_WORDS]))
    for piece in clean.split()[:MOST_WORDS]:
        rows = rows.filter(_anywhere(piece))
    return rows


def _anywhere(piece: str) -> Q:
    # PostgreSQL would write every text in capitals first: four times the work, often for nothing.
    how = "contains" if piece.upper() == piece.lower() else "icontains"
    anywhere = Q()
    for field in ("title", "slug", "about", "text"):
        anywhere |= Q(**{f"{field}__{how}": piece})
    return anywhere


def _indexed(team: uuid.UUID, words: Sequence[str]) -> RawSQL:
    wanted = [f"t{team.hex}", *words]
    if connection.vendor == "postgresql":
        # The words hold no sign that a query of words knows: all became spaces.
        query = " & ".join(f"'{word}'" for word in wanted) + ":*"
        sql = "SELECT prompt_id FROM library_searchdoc WHERE words @@ to_tsquery('simple', %s)"
    else:
        query = " ".join(f'"{word}"' for word in wanted) + "*"
        sql = (
            "SELECT prompt_id FROM library_searchdoc WHERE id IN"
            " (SELECT rowid FROM library_searchtext WHERE library_searchtext MATCH %s)"
        )
    return RawSQL(sql, [query])  # noqa: S611 - a constant; the words are a parameter
