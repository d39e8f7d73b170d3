"""Kept files: in a folder of this machine, or in the bucket that the settings name (`playground.bucket`).

Everything is kept through Django's default storage. What a bucket cannot do now is a `StorageError`, and so
an OSError: no code here has to know which of the two it is.
"""

from __future__ import annotations

import logging
from typing import IO, Any, Literal

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage

log = logging.getLogger(__name__)
Trouble = Literal["away", "broken", "busy", "denied", "no_bucket", "full", "failed"]
SENTENCES: dict[Trouble, str] = {
    "away": "The file storage of this site cannot be reached just now.",
    "broken": "The line to the file storage of this site broke off.",
    "busy": "The file storage of this site has too much to do just now.",
    "denied": "The file storage of this site does not let it in. Whoever runs it has to look at that.",
    "no_bucket": "The file storage of this site has lost its bucket. Whoever runs it has to look at that.",
    "full": "The file storage of this site is full. Whoever runs it has to make room.",
    "failed": "The file storage of this site failed.",
}


class StorageError(OSError):
    """Why the storage does not do it now, as a sentence for people; `detail` is for the log."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(SENTENCES[trouble])
        self.trouble, self.detail = trouble, detail


def open_span(path: str, first: int, last: int) -> IO[bytes] | File[bytes]:
    """A kept file from its byte `first` on; of a bucket no more is asked for than up to `last`.

    Raises FileNotFoundError, StorageError.
    """
    opened: Any = getattr(default_storage, "open_span", None)
    if opened is not None:
        span: File[bytes] = opened(path, first, last)
        return span
    file = default_storage.open(path, "rb")
    file.seek(first)
    return file


def save_anyhow(path: str, data: bytes) -> str:
    """Keep what cannot be had again: if the bucket does not take it, on this machine's disk.

    It is found there too, and `manage.py move_files` brings it into the bucket.
    """
    try:
        return default_storage.save(path, ContentFile(data))
    except StorageError as error:
        log.warning("%s stays on the disk until `move_files`: %s %s", path, error, error.detail)
        return FileSystemStorage().save(path, ContentFile(data))
