"""Which kept files the rows name, and which of those that lie in storage none does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import FileField, Model

# A file is written before its row: to bring a long one into storage may take a while.
YOUNG = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Column:
    """Where rows of one kind name a file."""

    model: type[Model]
    field: str
    folder: str

    def names(self) -> Iterator[str]:
        rows = self.model._default_manager.exclude(**{self.field: ""}).order_by("pk")
        return rows.values_list(self.field, flat=True).iterator(chunk_size=1000)

    def has(self, name: str) -> bool:
        return self.model._default_manager.filter(**{self.field: name}).exists()


def columns() -> list[Column]:
    found = [(model, field) for model in apps.get_models() for field in model._meta.get_fields()]
    return [
        Column(model, field.name, str(field.upload_to).partition("/")[0])
        for model, field in found
        if isinstance(field, FileField)
    ]


def unnamed(now: datetime) -> list[str]:
    """Files that no row names, and that are too old to be on their way to one."""
    every = columns()
    # Read before the rows: what is written and named meanwhile is not among them.
    old = [name for name, at in _stored({column.folder for column in every}) if at < now - YOUNG]
    named = {name for column in every for name in column.names()}
    return [name for name in dict.fromkeys(old) if name not in named]


def _stored(folders: set[str]) -> Iterator[tuple[str, datetime]]:
    listed: Any = getattr(default_storage, "listed", None)
    for folder in sorted(folders):
        yield from _on_disk(folder)
        if listed is not None:
            yield from listed(folder)


def _on_disk(folder: str) -> Iterator[tuple[str, datetime]]:
    root = Path(settings.MEDIA_ROOT)
    for path in (root / folder).rglob("*"):
        if path.is_file():
            yield str(path.relative_to(root)), datetime.fromtimestamp(path.stat().st_mtime, UTC)
