"""Kept files from this machine's disk into the bucket, while people work: each is found wherever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError

from playground.inventory import Column, columns
from playground.storage import StorageError

if TYPE_CHECKING:
    from playground.bucket import BucketStorage


class Command(BaseCommand):
    help = "Move kept files from the disk into the bucket. It may be ended and begun again at any time."

    def handle(self, **options: Any) -> None:
        if not hasattr(storages["default"], "move_in"):
            raise CommandError("There is no bucket to move files into: set S3_BUCKET first.")
        bucket = cast("BucketStorage", storages["default"])
        count = size = 0
        try:
            for column in columns():
                for name in column.names():
                    moved = move(bucket, column, name)
                    if moved is None:
                        continue
                    count, size = count + 1, size + moved
                    if options["verbosity"] > 1:
                        self.stdout.write(name)
        except StorageError as error:
            raise CommandError(
                f"{error} ({error.detail}) {count:,} files were moved; begin again when it is mended."
            ) from error
        self.stdout.write(f"{count:,} files were moved, {size / 2**20:,.1f} MB; the disk has none left.")


def move(bucket: BucketStorage, column: Column, name: str) -> int | None:
    """Its size; None: it was not on the disk, or went away meanwhile."""
    try:
        size = bucket.move_in(name)
    except FileNotFoundError:
        return None
    if size is not None and not column.has(name):
        # Who deleted the row may have looked for its file while it was on its way.
        bucket.delete_in_bucket(name)
        return None
    return size
