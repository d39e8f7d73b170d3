"""Writing down what a list of models said: its rows, what is new, changed or gone, how the list stands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts.models import GatewayKey
from playground.gateway.catalog import ModelInfo
from playground.ops.models import ModelChange, ModelEntry, ModelList

BATCH = 500
KEPT_FOR = timedelta(days=180)
LONGEST_TOLD = 200
# Some gateways answer with the time of asking: that is no news.
_RESTLESS = frozenset({"created", "created_at", "display_name"})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A list by model id; `complete` is False when there is more of it."""

    models: Mapping[str, ModelInfo]
    complete: bool


def keep(key: GatewayKey, family: str, fetched: Fetched, now: datetime) -> None:
    """A handful of statements however long the list is; only rows that differ are written one by one."""
    models, complete = fetched.models, fetched.complete
    rows = ModelEntry.objects.filter(key=key, family=family)
    known = {entry.model_id: entry for entry in rows}
    whole_at = ModelList.objects.filter(key=key, family=family).values_list("whole_at", flat=True).first()
    changes: list[ModelChange] = []

    def tell(kind: ModelChange.Kind, model_id: str, what: dict[str, Any] | None = None) -> None:
        changes.append(
            ModelChange(key=key, family=family, model_id=model_id, kind=kind, what=what or {}, at=now)
        )

    # In the gateway's order, which the rows' numbers keep.
    new = [_entry(key, family, model, now) for model_id, model in models.items() if model_id not in known]
    for entry in new if whole_at else ():
        entry.new_at = now
        tell(ModelChange.Kind.NEW, entry.model_id)
    ModelEntry.objects.bulk_create(new, batch_size=BATCH, ignore_conflicts=True)
    differing = []
    for model_id, entry in known.items():
        if model_id not in models:
            continue
        back, before = entry.gone_at is not None, (entry.name, entry.raw)
        if what := _differences(entry, models[model_id]):
            entry.changed_at = now
            tell(ModelChange.Kind.CHANGED, model_id, what)
        if back:
            tell(ModelChange.Kind.BACK, model_id)
        entry.name, entry.raw, entry.gone_at = models[model_id].name[:255], dict(models[model_id].raw), None
        if back or before != (entry.name, entry.raw):
            differing.append(entry)
    ModelEntry.objects.bulk_update(differing, ["name", "raw", "gone_at", "changed_at"], batch_size=BATCH)
    if complete:
        vanished = [entry for entry in known.values() if not entry.gone_at and entry.model_id not in models]
        for entry in vanished:
            tell(ModelChange.Kind.GONE, entry.model_id)
        for part in _parts([entry.pk for entry in vanished]):
            rows.filter(pk__in=part).update(gone_at=now)
        rows.filter(gone_at=None).update(last_seen=now)
    else:
        for part in _parts([entry.pk for model_id, entry in known.items() if model_id in models]):
            rows.filter(pk__in=part).update(last_seen=now)
    ModelChange.objects.bulk_create(changes, batch_size=BATCH)
    ModelChange.objects.filter(key=key, at__lt=now - KEPT_FOR).delete()
    _came(key, family, fetched, whole_at or (now if complete else None), now)


def failed(key: GatewayKey, family: str, kind: str, sentence: str, request_id: str, now: datetime) -> None:
    """The list did not come; what is known of it stays."""
    told = {"error_kind": kind, "sentence": sentence[:300], "request_id": request_id[:200]}
    ModelList.objects.update_or_create(key=key, family=family, defaults={"asked_at": now, **told})


def _came(key: GatewayKey, family: str, fetched: Fetched, whole_at: datetime | None, now: datetime) -> None:
    fields: dict[str, Any] = {"asked_at": now, "came_at": now, "whole_at": whole_at}
    fields |= {"count": len(fetched.models), "error_kind": "", "request_id": ""}
    fields["sentence"] = "" if fetched.complete else "This is the beginning of the list; the rest follows."
    ModelList.objects.update_or_create(key=key, family=family, defaults=fields)


def _entry(key: GatewayKey, family: str, model: ModelInfo, now: datetime) -> ModelEntry:
    return ModelEntry(
        key=key,
        family=family,
        model_id=model.model_id,
        name=model.name[:255],
        raw=dict(model.raw),
        first_seen=now,
        last_seen=now,
    )


def _differences(entry: ModelEntry, model: ModelInfo) -> dict[str, list[str]]:
    """{field: [before, now]} of what the list says otherwise now, in words for a page."""
    before, now = dict(entry.raw), dict(model.raw)
    found = {} if entry.name == model.name[:255] else {"name": [entry.name, model.name[:255]]}
    for name in sorted((before.keys() | now.keys()) - _RESTLESS):
        if before.get(name) != now.get(name):
            found[name[:60]] = [_told(before.get(name)), _told(now.get(name))]
    return found


def _told(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_TOLD else f"{text[: LONGEST_TOLD - 1]}…"


def _parts(pks: list[int]) -> Iterator[list[int]]:
    yield from (pks[at : at + BATCH] for at in range(0, len(pks), BATCH))
