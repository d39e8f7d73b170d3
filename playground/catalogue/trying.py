"""A new chat with the model chosen. Whatever else was typed or set for it stays."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import GatewayKey
from playground.chat import fallback, screen
from playground.chat.listing import Request
from playground.chat.models import Draft
from playground.chat.settings_form import DEFAULT_FAMILY, EMPTY, Settings, switched
from playground.gateway.wire import FAMILIES
from playground.gateway.wire.family import Family


def begin(request: Request, model: str, family: Family, key: GatewayKey | None) -> None:
    """Put the model into the person's new chat."""
    current = screen.stored_settings(request, None) or screen.last_used(request)
    chosen = with_model(current, model, family, key.pk if key else None)
    fields = {"settings": chosen, "updated_at": timezone.now()}
    Draft.objects.update_or_create(user=request.user, conversation=None, defaults=fields)


def with_model(current: Settings, model: str, family: Family, key: UUID | None) -> Settings:
    """The settings with another model; parameters go along as far as both families know them."""
    new: dict[str, Any] = {**EMPTY, **current, "model": model, "family": family.key}
    old = FAMILIES.get(str(current.get("family")), FAMILIES[DEFAULT_FAMILY])
    if old is not family:
        kept = dict(current.get("kept") or {}) | {old.key: current.get("params") or {}}
        new["params"] = switched(current.get("params") or {}, old, family, kept.get(family.key, {}))
        kept.pop(family.key, None)
        new["kept"] = kept
    if old is not family or (current.get("fallback") or {}).get("model") == model:
        new["fallback"] = fallback.OFF
    if key is not None:
        new["key"] = str(key)
    return new
