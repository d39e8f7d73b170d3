"""Kept files in a bucket that speaks S3, over django-storages.

Loaded only where the settings name a bucket, as its packages are an extra (requirements/s3.txt). Reading
streams, writing goes in parts, so that a file of any size takes little memory. What lies on the disk from
before, or because the bucket was away, is found there until `manage.py move_files` has moved it.
"""

from __future__ import annotations

import io
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as Unconnected
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage

from playground.storage import StorageError, Trouble

if TYPE_CHECKING:
    from django.core.files.storage import Storage

    class S3Storage(Storage):
        """What the untyped library has."""

        bucket_name: str
        connection: Any

        def __init__(self, **options: Any) -> None: ...
        def _normalize_name(self, name: str) -> str: ...
        def _save(self, name: str, content: File[bytes]) -> str: ...
else:
    from storages.backends.s3 import S3Storage

PART = 8 * 2**20
BUFFER = 256 * 1024
CONNECT_S, SILENT_S = 5, 30
# Of one call, by the library; and of one place in a file, each with so many of the former.
CALLS, TRIES = 2, 3
# Who waited so long in vain; and for how long the others do not.
LONG_S, REST_S = 2.0, 10.0
_TROUBLE: dict[str, Trouble] = {
    "NoSuchBucket": "no_bucket",
    "SlowDown": "busy",
    "ServiceUnavailable": "busy",
    "TooManyRequests": "busy",
    "Throttling": "busy",
    "QuotaExceeded": "full",
    "XMinioStorageFull": "full",
    "InsufficientStorage": "full",
}
_BY_STATUS: dict[int, Trouble] = {401: "denied", 403: "denied", 429: "busy", 503: "busy", 507: "full"}


class BucketStorage(S3Storage):
    """Raises FileNotFoundError for what is not there, StorageError for what the bucket does not do now."""

    def __init__(self, **options: Any) -> None:
        style = options.pop("addressing_style")
        config = Config(
            signature_version="s3v4",
            # The signature covers the content, which every server checks; newer checksums many do not know.
            s3={"addressing_style": style, "payload_signing_enabled": True},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=CONNECT_S,
            read_timeout=SILENT_S,
            retries={"mode": "standard", "total_max_attempts": CALLS},
            max_pool_connections=50,
            # As everywhere here: none, whatever the environment says.
            proxies={},
        )
        # One part at a time: threads of its own would hold ten of each file in memory.
        parts = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, use_threads=False)
        given = {name: value or None for name, value in options.items() if name != "location"}
        location = options.get("location", "")
        super().__init__(client_config=config, transfer_config=parts, location=location, **given)
        self._made: Any = None
        self._making = threading.Lock()
        self._rests_until = 0.0

    @property
    def disk(self) -> FileSystemStorage:
        """Where files were kept before there was a bucket."""
        return FileSystemStorage()

    @property
    def connection(self) -> Any:
        """One for all threads: each would hold connections of its own, and takes long to make."""
        with self._making:
            if self._made is None:
                self._made = super().connection
            return self._made

    @property
    def client(self) -> Any:
        return self.connection.meta.client

    def open_span(self, name: str, first: int, last: int | None) -> File[bytes]:
        """See `playground.storage.open_span`."""
        try:
            return BucketFile(self, name, first, last)
        except FileNotFoundError:
            file = self.disk.open(name, "rb")
            file.seek(first)
            return file

    def ask(self, name: str, first: int, last: int | None) -> tuple[Any, int]:
        """The bytes from `first` to `last` as they come, and how many the whole file has."""
        span = {"Range": f"bytes={first}-{'' if last is None else last}"} if first or last is not None else {}
        key = self._normalize_name(name)
        with self._asking(name):
            answer = self.client.get_object(Bucket=self.bucket_name, Key=key, **span)
        whole = str(answer.get("ContentRange", "")).rpartition("/")[2]
        return answer["Body"], int(whole) if whole.isdigit() else int(answer["ContentLength"])

    @contextmanager
    def _asking(self, name: str) -> Iterator[None]:
        """Pages do not wait for a bucket that has just let another one wait: they hold a thread meanwhile."""
        with told(name):
            _ = self.connection  # takes long to make, which is not the bucket's doing
        began = time.monotonic()
        if began < self._rests_until:
            raise StorageError("away", "it has just let somebody wait")
        try:
            with told(name):
                yield
        except StorageError:
            if time.monotonic() - began > LONG_S:
                self._rests_until = time.monotonic() + REST_S
            raise

    def exists(self, name: str) -> bool:
        return self.is_in_bucket(name) or self.disk.exists(name)

    def is_in_bucket(self, name: str) -> bool:
        return self.size_in_bucket(name) is not None

    def size_in_bucket(self, name: str) -> int | None:
        """None: it is not there."""
        try:
            with self._asking(name):
                head = self.client.head_object(Bucket=self.bucket_name, Key=self._normalize_name(name))
        except FileNotFoundError:
            return None
        return int(head["ContentLength"])

    def size(self, name: str) -> int:
        size = self.size_in_bucket(name)
        return self.disk.size(name) if size is None else size

    def delete(self, name: str) -> None:
        self.disk.delete(name)
        self.delete_in_bucket(name)

    def delete_in_bucket(self, name: str) -> None:
        with told(name):
            self.client.delete_object(Bucket=self.bucket_name, Key=self._normalize_name(name))

    def move_in(self, name: str) -> int | None:
        """Bring a file from the disk here, and give its size; None: the disk has no such file."""
        path = Path(self.disk.path(name))
        if not path.is_file():
            return None
        size = path.stat().st_size
        # One that was killed may have left both, but never half a file here.
        if self.size_in_bucket(name) != size:
            with path.open("rb") as file:
                self._save(name, File(file))
            if self.size_in_bucket(name) != size:
                raise StorageError("failed", f"{name} did not arrive whole")
        path.unlink()
        return size

    def listed(self, folder: str) -> Iterator[tuple[str, datetime]]:
        """Every file of a folder in the bucket: its name, and when it was written."""
        pages = self.client.get_paginator("list_objects_v2")
        prefix, before = self._normalize_name(f"{folder}/"), len(self._normalize_name("x")) - 1
        with told(folder):
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=prefix):
                yield from ((row["Key"][before:], row["LastModified"]) for row in page.get("Contents", ()))

    def check(self) -> str:
        """Write, read and delete a file. Raises StorageError; the words are for the operator."""
        name, data = f".doctor-{secrets.token_hex(8)}", b"well"
        self._save(name, ContentFile(data))
        try:
            with self._open(name) as file:
                if file.read() != data:
                    raise StorageError("failed", "what is read is not what was written")
        finally:
            self.delete_in_bucket(name)
        return f"the bucket {self.bucket_name} takes, gives and deletes"

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if mode != "rb":
            raise ValueError("Kept files are read as bytes, and written whole.")
        return self.open_span(name, 0, None)

    def _save(self, name: str, content: File[bytes]) -> str:
        with told(name):
            return super()._save(name, content)


class BucketFile(File):  # type: ignore[type-arg] # it takes none at run time
    """One file of a bucket, to be read; the first bytes are asked for at once."""

    def __init__(self, storage: BucketStorage, name: str, first: int = 0, last: int | None = None) -> None:
        self._again = storage, name, first, last
        super().__init__(self._opened(), name=name)

    def _opened(self) -> IO[bytes]:
        raw = _Span(*self._again)
        self.size = raw.whole
        return io.BufferedReader(raw, BUFFER)

    def open(self, mode: str | None = None, *args: Any, **options: Any) -> BucketFile:
        """Once more from its beginning, as Django's own files do it."""
        if self.closed:
            self.file = self._opened()
        else:
            self.seek(self._again[2])
        return self


class _Span(io.RawIOBase):
    """Bytes of an object as they come. A line that breaks is taken up where it broke."""

    def __init__(self, storage: BucketStorage, name: str, first: int, last: int | None) -> None:
        self._storage, self._name, self._at, self._last = storage, name, first, last
        self._body: Any = None
        self._body, self.whole = storage.ask(name, first, last)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        at = place + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.whole}[whence]
        if at != self._at:
            self._drop()
            self._at = at
        return at

    def readinto(self, buffer: Any) -> int:
        end = self.whole if self._last is None else min(self._last + 1, self.whole)
        if self._at >= end:
            return 0
        for left in reversed(range(TRIES)):
            try:
                return self._read(memoryview(buffer)[: end - self._at])
            except StorageError:
                self._drop()
                if not left:
                    raise
        raise AssertionError("the last try raises")

    def _read(self, place: memoryview) -> int:
        if self._body is None:
            self._body, _ = self._storage.ask(self._name, self._at, self._last)
        with told(self._name):
            data = self._body.read(len(place))
        if not data:
            raise StorageError("broken", "the file ended too soon")
        place[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

    def close(self) -> None:
        self._drop()
        super().close()


@contextmanager
def told(name: str) -> Iterator[None]:
    """The library's errors as ours."""
    try:
        yield
    except ClientError as error:
        raise _answered(error, name) from error
    except Unconnected as error:
        raise StorageError("away", type(error).__name__) from error
    except (HTTPClientError, IncompleteReadError) as error:
        raise StorageError("broken", type(error).__name__) from error
    except BotoCoreError as error:
        trouble: Trouble = "denied" if "Credentials" in type(error).__name__ else "failed"
        raise StorageError(trouble, type(error).__name__) from error


def _answered(error: ClientError, name: str) -> OSError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if status == 404 and code != "NoSuchBucket":
        return FileNotFoundError(f"{name} is not in the bucket")
    trouble = _TROUBLE.get(code) or _BY_STATUS.get(status) or "failed"
    return StorageError(trouble, f"{status} {code}")
