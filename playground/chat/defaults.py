"""What a chat begins with where nobody chose: a key that can be used, and a model it can see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.models import GatewayKey
from playground.chat.settings_form import EMPTY, Settings
from playground.ops import catalog
from playground.ops.models import ModelEntry

MOST_LISTED = 3000


def with_defaults(settings: Mapping[str, Any], keys: Sequence[GatewayKey]) -> Settings:
    """The settings with one of the keys and a model, as far as there are some."""
    found: Settings = {**EMPTY, **settings}
    ids = [str(key.pk) for key in keys]
    if found.get("key") not in ids:
        found["key"] = ids[0] if ids else ""
    if not found.get("model") and found["key"]:
        family = catalog.list_of(found["family"])
        seen = ModelEntry.objects.filter(key_id=found["key"], family=family, gone_at=None)
        found["model"] = catalog.choose_model(seen.order_by("pk")[:MOST_LISTED])
    return found
