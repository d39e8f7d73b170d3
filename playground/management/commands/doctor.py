"""What works and what does not in this installation, one line each; for an operator and for a bug report."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.core.files.storage import storages
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts import vault
from playground.storage import StorageError

ENOUGH_BYTES = 200 * 1024 * 1024


class Unwell(Exception):
    """What is wrong and what to do about it."""


class Command(BaseCommand):
    help = "Check this installation and say what to do about what is wrong."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        results = [self._examine(name, look) for name, look in EXAMINATIONS.items()]
        if not all(results):
            sys.exit(1)

    def _examine(self, name: str, look: Callable[[], str]) -> bool:
        try:
            self.stdout.write(f"well    {name}: {look()}")
        except Unwell as error:
            self.stdout.write(f"UNWELL  {name}: {error}")
            return False
        return True


def python() -> str:
    return f"{sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}"


def mode() -> str:
    return f"{'embedded' if settings.EMBEDDED else 'production'} at {settings.SITE_URL}"


def data_folder() -> str:
    probe = Path(settings.DATA_DIR) / ".doctor"
    try:
        probe.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise Unwell(f"{settings.DATA_DIR} cannot be written: {error.strerror}") from error
    free = shutil.disk_usage(settings.DATA_DIR).free
    if free < ENOUGH_BYTES:
        raise Unwell(f"only {free // 2**20} MB are free on the disk of {settings.DATA_DIR}")
    return f"{settings.DATA_DIR}, {free // 2**30} GB free"


def database() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError as error:
        raise Unwell(f"cannot be reached: {str(error).strip()}") from error
    if waiting:
        raise Unwell(f"{waiting} migrations are waiting: run `manage.py migrate`")
    return f"{connection.display_name}, all migrations applied"


def streams() -> str:
    """Where runs in flight are shared: in the process, or over Redis."""
    if not settings.REDIS_URL:
        return "in process (one web process)"
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=3) as client:
            client.ping()
            version = str(client.info("server")["redis_version"])
    except redis.RedisError as error:
        raise Unwell(f"Redis cannot be reached: {error}") from error
    return f"Redis {version}"


def key_ring() -> str:
    if not vault.usable():
        raise Unwell("VAULT_KEYS cannot seal and open: see `manage.py new_vault_key`")
    return "seals and opens"


def kept_files() -> str:
    """The bucket is tried in earnest; the disk is the data folder's, or one that somebody mounted."""
    check: Callable[[], str] | None = getattr(storages["default"], "check", None)
    try:
        if check is not None:
            return check()
        folder = Path(settings.MEDIA_ROOT)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return f"in {folder}"
    except StorageError as error:
        raise Unwell(f"{error} ({error.detail})") from error
    except OSError as error:
        raise Unwell(f"{settings.MEDIA_ROOT} cannot be written: {error.strerror}") from error


def static_files() -> str:
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if not manifest.exists():
        raise Unwell("are not collected: run `manage.py collectstatic`, or `make run`")
    return f"collected in {settings.STATIC_ROOT}"


def gateways() -> str:
    return ", ".join(settings.GATEWAY_URLS)


EXAMINATIONS: dict[str, Callable[[], str]] = {
    "Python": python,
    "mode": mode,
    "data folder": data_folder,
    "database": database,
    "streams": streams,
    "key ring": key_ring,
    "kept files": kept_files,
    "static files": static_files,
    "gateway addresses": gateways,
}
