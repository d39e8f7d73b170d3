"""What keys, people and prompts are called. A prompt that is not the person's to see keeps its title."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from accounts.models import GatewayKey, Team, User
from playground.library.models import Prompt
from playground.templatetags.frame import FAMILIES

NONE = {
    "key": "No key, or one that is gone",
    "person": "Nobody who is here",
    "prompt": "Without a prompt",
    "model": "No model named",
    "family": "No family",
}


def names(side: str, values: Iterable[str], team: Team, viewer: User) -> dict[str, str]:
    """Names by the value of a roll-up's row; one query."""
    if side in ("model", "family"):
        return {}
    ids = [UUID(value) for value in values if value]
    if side == "key":
        rows = GatewayKey.objects.filter(pk__in=ids)
        # A label of somebody's own key is theirs.
        return {
            key.pk.hex: key.label if key.shared or key.owner_id == viewer.pk else f"A key of {key.owner}"
            for key in rows.select_related("owner")
        }
    if side == "person":
        return {user.pk.hex: str(user) for user in User.objects.filter(pk__in=ids)}
    seen = Prompt.objects.filter(Prompt.visible_to(viewer), team=team, pk__in=ids)
    titles = {pk.hex: title for pk, title in seen.values_list("pk", "title")}
    return {pk.hex: titles.get(pk.hex, "A prompt you cannot see, or one that is gone") for pk in ids}


def of_place(side: str, place: tuple[str, str], told: dict[str, str]) -> str:
    """How one row, by its family and value, is called."""
    family, value = place
    if side == "family":
        return FAMILIES.get(family, family) or NONE["family"]
    if side == "model":
        return value or NONE["model"]
    if not value:
        return NONE[side]
    return told.get(value, "One that is gone")
