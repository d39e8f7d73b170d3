"""How the lists of models of each key stand, and when they are asked for next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts import keys as use
from accounts.models import GatewayKey, Role, Team, User
from playground.catalogue.detail import LIST_WORDS
from playground.ops import catalog
from playground.ops.models import ModelList

# What the scheduled refresh may be late: it looks every five minutes.
SOON = timedelta(minutes=1)
REFUSED = ("auth", "permission")


@dataclass(frozen=True, slots=True)
class OfList:
    """One list of a key. `fault`: why it did not come when it was asked for last, "" when it did."""

    words: str
    row: ModelList

    @property
    def fault(self) -> str:
        return self.row.sentence if self.row.error_kind else ""

    @property
    def note(self) -> str:
        return "" if self.row.error_kind else self.row.sentence


@dataclass(frozen=True, slots=True)
class OfKey:
    """A key with its lists. `state`: ok, failed (somebody has to act), warn (it may pass), queued (not asked
    yet). `next_at` is None when it is due. `refusal`: why the person may not ask with it, "" when they may.
    """

    key: GatewayKey
    lists: list[OfList]
    state: str
    words: str
    next_at: datetime | None
    refusal: str

    @property
    def fault(self) -> str:
        """What is wrong with the key as a whole; a fault of one list stands beside that list."""
        return "" if self.key.test_passed or not self.key.tested_at else self.key.test_result


def of(keys: Sequence[GatewayKey], team: Team, user: User, role: int, now: datetime) -> list[OfKey]:
    """Of keys of the team; two queries, and one more for each key that the person may not use."""
    usable = set(use.usable(user, team, now).values_list("pk", flat=True))
    rows: dict[object, list[ModelList]] = {}
    for row in ModelList.objects.filter(key__in=[key.pk for key in keys]).order_by("pk"):
        rows.setdefault(row.key_id, []).append(row)
    refusals = {key.pk: use.refusal(key, user, now) for key in keys if key.pk not in usable}
    if role < Role.MEMBER:
        refusals = dict.fromkeys([key.pk for key in keys], "Viewers do not ask the gateway.")
    return [_of_key(key, rows.get(key.pk, []), refusals.get(key.pk, ""), now) for key in keys]


def troubles(rows: Sequence[OfKey]) -> list[tuple[str, str]]:
    """State and words of what is not as it should be, each once."""
    counts = Counter((row.state, row.words) for row in rows if row.state != "ok")
    return [(state, f"{words} ({many})" if many > 1 else words) for (state, words), many in counts.items()]


def _of_key(key: GatewayKey, rows: list[ModelList], refusal: str, now: datetime) -> OfKey:
    lists = [OfList(LIST_WORDS.get(row.family, row.family), row) for row in rows]
    state, words = _state(key, lists)
    wait = catalog.TRY_AGAIN_AFTER if key.test_passed is None else catalog.FRESH_FOR
    due = key.tested_at + wait if key.tested_at else None
    return OfKey(
        key=key,
        lists=lists,
        state=state,
        words=words,
        next_at=due if due and due > now + SOON else None,
        refusal=refusal,
    )


def _state(key: GatewayKey, lists: list[OfList]) -> tuple[str, str]:
    if key.tested_at is None:
        return "queued", "Not asked yet"
    if key.test_passed is False:
        refused = any(told.row.error_kind in REFUSED for told in lists)
        return "failed", "Refused" if refused else "Cannot be asked"
    if key.test_passed is None:
        return "warn", "Did not come"
    if any(told.fault for told in lists):
        return "warn", "Came in part"
    return "ok", "Up to date"
