"""A file on its way here: on local disk beside the media folder, resumed where it stopped.

Every function blocks. Named by the asset, so that the next try finds what the last one left.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from django.conf import settings

from playground.media.fetching import FetchError, Head, Unsatisfiable
from playground.storage import StorageError

KEPT_PARTS_S = 7 * 24 * 3600
FULL = "There is no space left for the file here. Whoever runs this site has to make room; it is tried again."
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class DiskFull(FetchError):
    """The disk takes no more."""


class Unstored(FetchError):
    """The file is here, whole, and its storage does not take it now."""


def folder() -> Path:
    """Within the media folder, so that the last step is a rename."""
    path = Path(settings.MEDIA_ROOT) / "incoming"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def path_of(asset: uuid.UUID) -> Path:
    return folder() / asset.hex


def put_aside(asset: uuid.UUID, data: bytes) -> None:
    """Bytes that came with an answer, whole and on disk before the row that names them."""
    path = path_of(asset)
    try:
        with path.with_suffix(".new").open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        path.with_suffix(".new").replace(path)
    except OSError as error:
        raise translated(error) from error


@contextmanager
def second(path: Path) -> Iterator[Path]:
    """Another name of the same file, to be moved away."""
    spare = path.with_suffix(".kept")
    spare.unlink(missing_ok=True)
    try:
        os.link(path, spare)
    except OSError:
        # Not every file system has links.
        shutil.copyfile(path, spare)
    try:
        yield spare
    finally:
        spare.unlink(missing_ok=True)


def accept(asset: uuid.UUID, told: Unsatisfiable) -> None:
    """The rest was asked for, and there is none: all of it is here. FetchError: it is another file."""
    path = path_of(asset)
    if not path.exists() or path.stat().st_size != told.whole:
        discard(asset)
        raise FetchError("The file at its host is not the one that was begun here.") from told


def mark_whole(asset: uuid.UUID) -> None:
    """All of it is here: should its storage not take it, nobody has to be asked for it again.

    Whoever comes back for it, however late, keeps it from being thrown away.
    """
    with suppress(OSError):
        path_of(asset).touch()
        _mark(asset).touch(mode=0o600)


def is_whole(asset: uuid.UUID) -> bool:
    return _mark(asset).exists() and path_of(asset).exists()


def _mark(asset: uuid.UUID) -> Path:
    return path_of(asset).with_suffix(".whole")


def discard(asset: uuid.UUID) -> None:
    _mark(asset).unlink(missing_ok=True)
    path_of(asset).unlink(missing_ok=True)


def clean(now: float | None = None) -> int:
    """Throw away what nobody came back for."""
    cut = (now or time.time()) - KEPT_PARTS_S
    old = [path for path in folder().iterdir() if path.stat().st_mtime < cut]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(slots=True)
class Part:
    """One try to bring a file here. `validator` tells one version of the file from another."""

    asset: uuid.UUID
    validator: str = ""
    limit: int = field(default_factory=lambda: settings.MAX_ASSET_BYTES)
    total: int | None = None
    _file: BinaryIO | None = None
    _size: int = 0

    def __enter__(self) -> Part:
        return self

    def __exit__(
        self, sort: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """What is on disk stays there for the next try."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.close()
        except OSError as error:
            discard(self.asset)
            raise translated(error) from error

    @property
    def path(self) -> Path:
        return path_of(self.asset)

    def headers(self) -> dict[str, str]:
        """What asks for the rest only, where it is sure that the rest is of the same file."""
        there = self.path.stat().st_size if self.path.exists() else 0
        if not there or not self.validator:
            return {}
        return {"Range": f"bytes={there}-", "If-Range": self.validator}

    def begin(self, head: Head) -> None:
        """Go on behind what is there, or from the beginning. Raises FetchError for too large a file."""
        told = _RANGE.match(head.headers.get("content-range", "")) if head.status == 206 else None
        there = self.path.stat().st_size if self.path.exists() else 0
        resumed = told is not None and int(told[1]) == there and bool(there)
        if head.status == 206 and not resumed:
            discard(self.asset)
            raise FetchError("The host of the file sent another part of it than was asked for.")
        self._size = there if resumed else 0
        self.total = None if head.length is None else self._size + head.length
        self.validator = _validator(head)
        if self.total is not None and self.total > self.limit:
            raise self._too_large()
        try:
            self._file = self.path.open("ab" if resumed else "wb")
        except OSError as error:
            raise translated(error) from error

    def write(self, chunk: bytes) -> None:
        assert self._file is not None
        self._size += len(chunk)
        if self._size > self.limit:
            raise self._too_large()
        try:
            self._file.write(chunk)
        except OSError as error:
            self._give_up()
            raise translated(error) from error

    def end(self) -> None:
        """All of it is here and on disk. FetchError: some is missing, which is asked for next time."""
        assert self._file is not None
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            self._give_up()
            raise translated(error) from error
        if self.total is not None and self._size < self.total:
            raise FetchError("The file broke off before its end.")
        if not self._size:
            raise FetchError("The file is empty.")

    def _give_up(self) -> None:
        """Half a file would only take the space away that is lacking."""
        file, self._file = self._file, None
        try:
            if file is not None:
                file.close()
        except OSError:
            pass  # what could not be written is thrown away
        discard(self.asset)

    def _too_large(self) -> FetchError:
        discard(self.asset)
        return FetchError(
            f"The file is larger than the {self.limit // 2**20:,} MB that are kept here.", dead=True
        )


def _validator(head: Head) -> str:
    etag = head.headers.get("etag", "").strip()
    if etag and not etag.startswith("W/"):
        return etag[:300]
    return head.headers.get("last-modified", "").strip()[:300]


def translated(error: OSError) -> FetchError:
    if isinstance(error, StorageError):
        return Unstored(f"{error} It is tried again.")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(FULL)
    return FetchError(f"The file could not be written here: {error.strerror or type(error).__name__}.")
