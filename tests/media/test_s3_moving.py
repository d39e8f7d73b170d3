"""Kept files brought from the disk into the bucket, and those nobody refers to thrown away."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from accounts.models import Team, User
from playground import inventory
from playground.bucket import BucketStorage
from playground.chat import attachments
from playground.media import uploads
from playground.media.models import Asset, MediaTask
from tests.media.s3 import Bucket, bucket, on_s3, s3_server
from tests.media.shelf import keep, maker
from tests.media.test_files import picture

__all__ = ["bucket", "on_s3", "s3_server"]
pytestmark = pytest.mark.django_db
DAYS = 24 * 3600


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue().splitlines()[-1]


@pytest.fixture
def task(owner: User, team: Team) -> MediaTask:
    return maker(owner, team)()


@pytest.fixture
def switch(settings: LazySettings, bucket: Bucket) -> Callable[[], None]:
    """From now on there is a bucket."""

    def turn() -> None:
        settings.STORAGES = settings.STORAGES | {"default": bucket.storage()}

    return turn


def on_disk(storage: Path) -> list[Path]:
    return [path for path in storage.rglob("*") if path.is_file()]


def test_all_that_is_kept_on_the_disk_goes_into_the_bucket_under_its_name(
    bucket: Bucket, switch: Callable[[], None], task: MediaTask, owner: User, team: Team, storage: Path
) -> None:
    film = keep(task, b"a film")
    given = uploads.store(SimpleUploadedFile("a.png", picture()), "image", owner, team, max_bytes=10**6)
    attached = attachments.store(SimpleUploadedFile("b.png", picture("JPEG")), owner, team)
    switch()
    assert run("move_files").startswith("3 files were moved")
    names = {row.file.name for row in (film, given, attached)}
    assert set(bucket.files()) == names
    assert bucket.read(film.file.name) == b"a film"
    assert on_disk(storage) == []
    assert run("move_files").startswith("0 files were moved")


def test_without_a_bucket_there_is_nothing_to_move_into(task: MediaTask) -> None:
    with pytest.raises(CommandError, match="set S3_BUCKET first"):
        run("move_files")


def test_a_bucket_that_goes_away_ends_it_and_nothing_is_lost(
    bucket: Bucket, switch: Callable[[], None], task: MediaTask, storage: Path
) -> None:
    for number in range(3):
        keep(task, bytes(200_000) + bytes([number]))
    switch()
    bucket.line.cut_up = 300_000
    bucket.line.unplug()
    with pytest.raises(CommandError, match="cannot be reached just now.*0 files were moved; begin again"):
        run("move_files")
    assert len(on_disk(storage)) == 3
    bucket.line.plug()
    assert run("move_files").startswith("3 files were moved")


def test_one_that_was_killed_before_it_took_the_file_from_the_disk_sends_it_once(
    bucket: Bucket, switch: Callable[[], None], task: MediaTask, storage: Path
) -> None:
    data = bytes(500_000)
    film = keep(task, data)
    bucket.put(film.file.name, data)
    switch()
    assert run("move_files").startswith("1 files were moved")
    assert bucket.line.up < 100_000
    assert on_disk(storage) == []


def test_half_a_file_in_the_bucket_is_replaced(
    bucket: Bucket, switch: Callable[[], None], task: MediaTask
) -> None:
    film = keep(task, b"a whole film")
    bucket.put(film.file.name, b"a who")
    switch()
    run("move_files")
    assert bucket.read(film.file.name) == b"a whole film"


def test_a_file_whose_row_goes_away_meanwhile_does_not_stay_behind(
    bucket: Bucket,
    switch: Callable[[], None],
    task: MediaTask,
    storage: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    film = keep(task, b"a film")
    switch()
    real = BucketStorage._save

    def deleted_meanwhile(self: BucketStorage, name: str, content: object) -> str:
        Asset.objects.filter(pk=film.pk).delete()
        return real(self, name, content)  # type: ignore[arg-type] # passed on as it came

    monkeypatch.setattr(BucketStorage, "_save", deleted_meanwhile)
    assert run("move_files").startswith("0 files were moved")
    assert bucket.files() == {}
    assert on_disk(storage) == []


def test_files_that_no_row_names_are_cleaned_away_on_disk_and_in_the_bucket(
    on_s3: Bucket, task: MediaTask, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = keep(task, b"a film")
    on_s3.put("assets/2026/11/left.mp4", b"left")
    on_s3.put("something/else", b"not ours")
    lost = storage / "uploads" / "2026" / "lost.png"
    lost.parent.mkdir(parents=True)
    lost.write_bytes(b"lost")
    os.utime(lost, (time.time() - 2 * DAYS,) * 2)
    # Too young yet, all but the one on the disk.
    assert run("clean_files", "--dry-run") == "1 files would be deleted."
    assert lost.exists()
    monkeypatch.setattr(inventory, "YOUNG", timedelta(seconds=-60))
    assert run("clean_files") == "2 files were deleted."
    assert not lost.exists()
    assert set(on_s3.files()) == {film.file.name, "something/else"}


def test_a_clean_site_has_nothing_to_clean(on_s3: Bucket, task: MediaTask) -> None:
    keep(task)
    assert run("clean_files") == "0 files were deleted."
