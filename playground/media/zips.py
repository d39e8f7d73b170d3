"""Kept files of tasks as one ZIP archive, made while it is sent: no more than a piece of it is ever held.

A reading step lasts no longer than a piece takes, on the event loop's own threads; neither a thread of the
pages nor a database connection is held meanwhile. `manifest.json`, the last file, tells what made each.
"""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from django.core.files.storage import default_storage
from django.utils import timezone
from django.utils.text import slugify

from playground.media.files import name_of
from playground.media.models import Asset, MediaTask
from playground.media.serving import CHUNK

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the archive: `path` in storage, or the text itself."""

    name: str
    at: datetime
    path: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """`size` is what the files have together; `told` what the manifest says."""

    entries: tuple[Entry, ...]
    told: dict[str, Any]
    size: int


def plan(tasks: Sequence[MediaTask]) -> Plan:
    """One query. Files of one task lie side by side, those of several in a folder each, as they are given."""
    kept: dict[Any, list[Asset]] = {task.pk: [] for task in tasks}
    rows = Asset.objects.filter(task__in=list(kept), status=Asset.Status.KEPT)
    for row in rows.select_related("task").defer("waveform").order_by("kind", "ordinal"):
        kept[row.task_id].append(row)
    entries: list[Entry] = []
    told: list[dict[str, Any]] = []
    for number, task in enumerate(tasks, 1):
        folder = f"{number:03d}-{_slug(task.title) or task.medium}/" if len(tasks) > 1 else ""
        names = _names(kept[task.pk], folder)
        entries += [_entry(row, name) for row, name in zip(kept[task.pk], names, strict=True)]
        outputs = [_told_output(row, name) for row, name in zip(kept[task.pk], names, strict=True)]
        told.append(_told_task(task) | {"outputs": outputs})
    size = sum(row.size or 0 for files in kept.values() for row in files)
    return Plan(tuple(entries), {"made_at": timezone.now().isoformat(), "tasks": told}, size)


def _slug(text: str) -> str:
    return slugify(text, allow_unicode=True)[:60].strip("-_")


def _names(rows: Sequence[Asset], folder: str) -> list[str]:
    """A slug, a number and the suffix of the storage's name: nothing in it comes from outside as it was."""
    names: list[str] = []
    for row in rows:
        name = folder + name_of(row) + ("" if row.file else ".json" if row.kind == "data" else ".txt")
        path = PurePosixPath(name)
        while name in names or name == MANIFEST:
            name = f"{path.with_suffix('')}-{row.kind}-{len(names)}{path.suffix}"
        names.append(name)
    return names


def _entry(row: Asset, name: str) -> Entry:
    return Entry(name, row.kept_at or row.created_at, path=row.file.name or "", text=row.text)


def _told_task(task: MediaTask) -> dict[str, Any]:
    return {
        "id": str(task.pk),
        "title": task.title,
        "operation": task.operation,
        "family": task.family,
        "model": task.model,
        "prompt": task.text,
        "settings": task.inputs.get("values", {}),
        "extra": task.inputs.get("extra") or {},
        "status": task.status,
        "made_by": str(task.user) if task.user else None,
        "upstream_id": task.upstream_id or None,
        "request_id": task.request_id or None,
        "created_at": task.created_at.isoformat(),
        "ended_at": task.ended_at.isoformat() if task.ended_at else None,
    }


def _told_output(row: Asset, name: str) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "file": name,
        "kind": row.kind,
        "media_type": row.media_type or None,
        "size": row.size,
        "sha256": row.sha256 or None,
        "width": row.width,
        "height": row.height,
        "duration_s": row.duration_s,
    }


async def stream(plan: Plan) -> AsyncIterator[bytes]:
    """The archive, piece by piece."""
    pieces = packed(plan)
    step: asyncio.Future[bytes | None] | None = None
    try:
        while True:
            step = asyncio.ensure_future(asyncio.to_thread(next, pieces, None))
            piece = await asyncio.shield(step)
            if piece is None:
                return
            yield piece
    finally:
        # Who leaves in mid-piece leaves a thread at work: what it has open is closed after it.
        if step is not None and not step.done():
            await asyncio.wait([step])
        pieces.close()


def packed(plan: Plan) -> Generator[bytes]:
    """The archive's bytes in order. A file that is gone is named in the manifest, and no reason to stop."""
    out = _Outgoing()
    missing: list[str] = []
    with zipfile.ZipFile(out, "w") as archive:
        for entry in plan.entries:
            if not entry.path:
                archive.writestr(_info(entry.name, entry.at, zipfile.ZIP_DEFLATED), entry.text)
                yield out.taken()
                continue
            try:
                file = default_storage.open(entry.path, "rb")
            except FileNotFoundError:
                missing.append(entry.name)
                continue
            # What is stored is packed already: to deflate it once more costs time and wins nothing.
            info = _info(entry.name, entry.at, zipfile.ZIP_STORED)
            with file, archive.open(info, "w", force_zip64=True) as place:
                while piece := file.read(CHUNK):
                    place.write(piece)
                    yield out.taken()
        told = plan.told | ({"missing": missing} if missing else {})
        manifest = json.dumps(told, indent=2, ensure_ascii=False)
        archive.writestr(_info(MANIFEST, timezone.now(), zipfile.ZIP_DEFLATED), manifest)
    yield out.taken()


def _info(name: str, at: datetime, how: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, timezone.localtime(at).timetuple()[:6])
    info.compress_type = how
    info.external_attr = 0o644 << 16
    return info


class _Outgoing:
    """Where `zipfile` writes to: it cannot go back, so sizes and checksums stand behind each file."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data
