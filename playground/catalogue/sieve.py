"""What an address of the Models page asks for: filters, cards or table, and the address without the rest."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict

from playground.catalogue.labels import FAMILY_CHOICES, MODALITIES
from playground.gateway.assembly import storable
from playground.ops.measured import CAPABILITIES

VIEWS = ("table", "cards")
STATES = {
    "": "Listed now",
    "new": "New in 7 days",
    "changed": "Changed in 7 days",
    "gone": "Gone",
    "any": "Listed or gone",
}
# Of a measured capability: what it was last seen to do.
STANDINGS = {"works": "works", "fails": "fails", "unknown": "unknown"}
LONGEST_WORDS, LONGEST_ID = 200, 255
# So many marks are carried along; fewer are compared.
MOST_MARKED = 12


@dataclass(frozen=True, slots=True)
class Sieve:
    """An empty field does not narrow. `can` is "tools", and with `how` what was seen of it. `marked` are ids
    of models marked to be compared, wherever in the list they stand.
    """

    words: str = ""
    family: str = ""
    modality: str = ""
    use: str = ""
    state: str = ""
    key: uuid.UUID | None = None
    can: str = ""
    how: str = "works"
    view: str = "table"
    after: str = ""
    before: str = ""
    marked: tuple[str, ...] = ()

    @property
    def narrows(self) -> bool:
        wanted = (self.words, self.family, self.modality, self.use, self.state, self.key, self.can)
        return any(wanted)

    def query(self, **changes: object) -> str:
        """The filters as they stand in an address; a page begins anew unless `changes` say where."""
        asked = replace(self, **{"after": "", "before": "", **changes})  # type: ignore[arg-type]  # ours alone
        told: dict[str, str | tuple[str, ...]] = {
            "q": asked.words,
            "family": asked.family,
            "modality": asked.modality,
            "use": asked.use,
            "state": asked.state,
            "key": str(asked.key or ""),
            "can": asked.can,
            "how": asked.how if asked.can and asked.how != "works" else "",
            "view": asked.view if asked.view != VIEWS[0] else "",
            "after": asked.after,
            "before": asked.before,
            "model": asked.marked,
        }
        return urlencode({name: value for name, value in told.items() if value}, doseq=True)


def read(query: QueryDict, keys: Collection[uuid.UUID]) -> Sieve:
    """What makes no sense does not narrow, and so does a key that is not one of these."""
    key = _uuid(query.get("key", ""))
    return Sieve(
        words=" ".join(storable(query.get("q", "")[:LONGEST_WORDS]).split()),
        family=_one_of(query.get("family", ""), FAMILY_CHOICES),
        modality=_one_of(query.get("modality", ""), MODALITIES),
        use=storable(query.get("use", ""))[:40],
        state=_one_of(query.get("state", ""), STATES),
        key=key if key in keys else None,
        can=_one_of(query.get("can", ""), CAPABILITIES),
        how=_one_of(query.get("how", ""), STANDINGS) or "works",
        view=_one_of(query.get("view", ""), VIEWS) or VIEWS[0],
        after=storable(query.get("after", ""))[:LONGEST_ID],
        before=storable(query.get("before", ""))[:LONGEST_ID],
        marked=marked(query),
    )


def marked(query: QueryDict) -> tuple[str, ...]:
    """The ids of models in an address, each once, in their order; what cannot be an id is left out."""
    ids = dict.fromkeys(query.getlist("model"))
    return tuple(model for model in ids if fits(model))[:MOST_MARKED]


def fits(model: str) -> bool:
    """Whether it can be the id of a model."""
    return 0 < len(model) <= LONGEST_ID and storable(model) == model


def _one_of(value: str, known: Collection[str]) -> str:
    return value if value in known else ""


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
