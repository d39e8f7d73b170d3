"""Outputs of tasks, kept: fetched, judged by their bytes, moved into storage, and tried again on their own.

Links of providers die within days, so nothing is shown from them. All functions block.
"""

from __future__ import annotations

import io
import logging
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from playground.media import clock, ledger, parts, probes, sniff
from playground.media.fetching import FetchError, Refused, Unsatisfiable, check_stopped, open_stream
from playground.media.models import Asset, MediaTask, Status, TaskEvent
from playground.media.parts import DiskFull, Part, Unstored
from playground.storage import StorageError

log = logging.getLogger(__name__)
# Seconds to the next try; after the last one it is up to people.
RETRIES_S = (3, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600)
DEAD_TRIES = 3


class _Reader(io.BufferedReader):
    """Breaks off when the process ends: to bring a long file into a bucket takes long."""

    def read(self, size: int | None = -1, /) -> bytes:
        check_stopped()
        return super().read(size)


class _Local(File):  # type: ignore[type-arg] # it takes none at run time
    """A file on this disk, which a file-system storage takes over by a rename."""

    def __init__(self, path: Path) -> None:
        super().__init__(_Reader(io.FileIO(path)), name=path.name)
        self.path = path

    def temporary_file_path(self) -> str:
        return str(self.path)


def fetch(asset: Asset) -> None:
    """Bring a file here and keep it. Raises FetchError."""
    if parts.is_whole(asset.pk) or (not asset.source_url and parts.path_of(asset.pk).exists()):
        keep(asset)
    elif asset.source_url:
        fetch_from(asset, asset.source_url)
    else:
        raise FetchError("What came with the answer is no longer there.", dead=True)


def fetch_from(asset: Asset, url: str) -> None:
    """The same from an address, which is judged first."""
    try:
        with Part(asset.pk, asset.validator) as part, open_stream(url, part.headers()) as stream:
            part.begin(stream.head)
            note_validator(asset, part)
            for chunk in stream.chunks:
                part.write(chunk)
            part.end()
    except Unsatisfiable as error:
        parts.accept(asset.pk, error)
    keep(asset)


def note_validator(asset: Asset, part: Part) -> None:
    """Remember which version is being fetched, before the first byte of it is on disk."""
    if part.validator != asset.validator:
        Asset.objects.filter(pk=asset.pk).update(validator=part.validator)


def keep(asset: Asset) -> None:
    """Judge what was brought, and move it into storage. FetchError: it is not what it should be."""
    path = parts.path_of(asset.pk)
    with path.open("rb") as file:
        head = file.read(sniff.HEAD)
    found = _expected(asset, head)
    parts.mark_whole(asset.pk)
    facts = probes.facts_of(path, found.kind, found.media_type)
    fields: dict[str, object] = {
        "media_type": found.media_type,
        "size": path.stat().st_size,
        "sha256": parts.sha256_of(path),
        "width": facts.width,
        "height": facts.height,
        "duration_s": facts.duration_s or _told_duration(asset),
        "waveform": list(facts.waveform),
    }
    stem = _name_in_storage(asset)
    try:
        fields["file"] = _moved(path, f"{stem}{found.suffix}")
        if facts.thumbnail:
            suffix = ".jpg" if facts.thumbnail.startswith(b"\xff\xd8") else ".webp"
            fields["thumbnail"] = default_storage.save(f"{stem}-small{suffix}", ContentFile(facts.thumbnail))
    except OSError as error:
        _delete_files(fields)
        raise parts.translated(error) from error
    if not _note_kept(asset, fields):
        _delete_files(fields)
    parts.discard(asset.pk)


def _expected(asset: Asset, head: bytes) -> sniff.FileType:
    found = sniff.type_of(head)
    if found is not None and found.kind == asset.kind:
        return found
    if found is not None and asset.kind == "audio" and found.media_type in ("video/mp4", "video/webm"):
        # A container that serves for both.
        suffix = ".m4a" if found.media_type == "video/mp4" else ".webm"
        return sniff.FileType("audio", found.media_type.replace("video", "audio"), suffix)
    parts.discard(asset.pk)
    wanted = {"image": "a picture", "audio": "a sound file", "video": "a video"}.get(asset.kind, "a file")
    raise FetchError(f"The link should give {wanted}, but what came is {sniff.words_for(head)}.")


def _told_duration(asset: Asset) -> float | None:
    told = asset.meta.get("duration")
    return float(told) if isinstance(told, (int, float)) and 0 < told < 10**6 else None


def _name_in_storage(asset: Asset) -> str:
    """Of one asset and one try: two that bring the same file never write to the same name."""
    return f"assets/{asset.created_at:%Y/%m}/{asset.pk.hex}-{secrets.token_hex(4)}"


def _moved(path: Path, name: str) -> str:
    """A second name goes into storage. The first stays until the row knows, as it may be all there is."""
    with parts.second(path) as spare, _Local(spare) as file:
        saved: str = default_storage.save(name, file)
    return saved


def _delete_files(fields: dict[str, object]) -> None:
    """Those that no row will name."""
    _delete_all([str(fields.get(name) or "") for name in ("file", "thumbnail")])


def _delete_all(names: Iterable[str | None]) -> None:
    """What cannot be deleted is left for `manage.py clean_files`, and said so in the log."""
    away = False
    for name in filter(None, names):
        try:
            # To be told for each that the storage is away would only make the person wait.
            if away:
                raise StorageError("away")
            default_storage.delete(name)
        except OSError as error:
            away = away or isinstance(error, StorageError)
            log.warning("the file %s could not be deleted: %s", name, error)


def _note_kept(asset: Asset, fields: dict[str, object]) -> bool:
    """False: somebody else kept it already, or it was deleted."""
    now = clock.now()
    with transaction.atomic():
        # The task first: of two files that come at one moment, the second has to see the first.
        task = MediaTask.objects.select_for_update().filter(pk=asset.task_id).first()
        if task is None:
            return False
        open_rows = Asset.objects.filter(pk=asset.pk).exclude(status=Asset.Status.KEPT)
        won = open_rows.update(
            **fields,
            status=Asset.Status.KEPT,
            kept_at=now,
            due_at=None,
            lease_until=None,
            lease_owner="",
            attempts=F("attempts") + 1,
            error="",
        )
        if not won:
            return False
        TaskEvent.objects.create(
            task=task,
            kind=TaskEvent.Kind.CAPTURED,
            at=now,
            text=f"{asset.key}: {fields['media_type']}, {fields['size']:,} bytes",
        )
        if not ledger.conclude(task.pk, now):
            MediaTask.objects.filter(pk=task.pk).update(version=F("version") + 1, changed_at=Now())
    return True


def lose(asset: Asset, error: FetchError) -> None:
    """Note a failed try, and when the next one is; after the last one the task ends without this file."""
    now = clock.now()
    wait_s = _next_wait(asset, error)
    with transaction.atomic():
        task = MediaTask.objects.select_for_update().filter(pk=asset.task_id).first()
        if task is None:
            return
        open_rows = Asset.objects.filter(pk=asset.pk).exclude(status=Asset.Status.KEPT)
        won = open_rows.update(
            status=Asset.Status.FAILED if wait_s is None else Asset.Status.WAITING,
            due_at=None if wait_s is None else now + timedelta(seconds=wait_s),
            attempts=F("attempts") + 1,
            error=str(error)[:500],
            lease_until=None,
            lease_owner="",
        )
        if not won:
            return
        text = f"{asset.key}: {error}"[:500]
        TaskEvent.objects.create(task=task, kind=TaskEvent.Kind.LOST, at=now, text=text)
        if error.dead:
            _ask_for_new_links(task, now)
        if not ledger.conclude(task.pk, now):
            MediaTask.objects.filter(pk=task.pk).update(version=F("version") + 1, changed_at=Now())


def _next_wait(asset: Asset, error: FetchError) -> float | None:
    if isinstance(error, Refused) or (error.dead and asset.attempts + 1 >= DEAD_TRIES):
        return None
    if isinstance(error, DiskFull):
        return float(RETRIES_S[min(asset.attempts + 2, len(RETRIES_S) - 1)])
    if isinstance(error, Unstored):
        # It is no fault of the link, and nothing is fetched anew: it goes on until the storage takes it.
        return float(RETRIES_S[min(asset.attempts, len(RETRIES_S) - 1)])
    return float(RETRIES_S[asset.attempts]) if asset.attempts < len(RETRIES_S) else None


def _ask_for_new_links(task: MediaTask, now: datetime) -> None:
    waiting = MediaTask.objects.filter(pk=task.pk, status=Status.COLLECTING).exclude(upstream_id="")
    waiting.update(due_at=now)


def delete_files(assets: list[Asset]) -> None:
    """The files of rows that are gone."""
    for asset in assets:
        parts.discard(asset.pk)
    _delete_all(name for asset in assets for name in (asset.file.name, asset.thumbnail.name))
