"""PostgreSQL and Redis servers of our own, from installed binaries: for `make production` and the tests.

Standard library only. Both listen on loopback alone and end with the process that started them.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import subprocess
from pathlib import Path

# Debian keeps the server's tools off PATH, Homebrew those of a versioned formula.
POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
POSTGRES_ROLE = "playground"
READY = {"postgres": "ready to accept connections", "redis": "Ready to accept connections"}


def postgres_tool(name: str) -> str | None:
    """The newest installed `initdb`, `postgres`, …"""
    folders = [folder for pattern in POSTGRES_FOLDERS for folder in glob.glob(pattern)]
    for folder in sorted(folders, key=_major, reverse=True):
        if path := shutil.which(name, path=folder):
            return path
    return shutil.which(name)


def _major(folder: str) -> int:
    digits = "".join(letter if letter.isdigit() else " " for letter in folder).split()
    return int(digits[-1]) if digits else 0


def redis_binary() -> str | None:
    return shutil.which("valkey-server") or shutil.which("redis-server")


def server_user() -> str | None:
    """Who runs PostgreSQL: ourselves, or, as it refuses root, an account that owns nothing."""
    if os.geteuid() != 0:
        return None
    accounts = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in accounts else "nobody"


def make_cluster(folder: Path, *, sync: bool = True) -> None:
    """A new database cluster in `folder`, if there is none; its only door is loopback, with trust."""
    if (folder / "PG_VERSION").exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    user = server_user()
    if user:
        shutil.chown(folder, user)
    argv = [
        _found("initdb"),
        "-D",
        str(folder),
        "-U",
        POSTGRES_ROLE,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    argv += [] if sync else ["--no-sync"]
    done = subprocess.run(argv, user=user, cwd="/", capture_output=True, text=True)  # noqa: S603 - no shell
    if done.returncode:
        raise OSError(f"initdb failed: {done.stderr.strip()}")


def postgres_command(folder: Path, port: int, **options: str) -> list[str]:
    options = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "logging_collector": "off",
    } | options
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return [_found("postgres"), "-D", str(folder), "-p", str(port), *settings]


def redis_command(folder: Path, port: int, *, keep: bool) -> list[str]:
    """`keep`: an append-only file in `folder`, so that a restart loses nothing."""
    binary = redis_binary()
    if binary is None:
        raise FileNotFoundError("redis-server")
    kept = ["--appendonly", "yes"] if keep else ["--appendonly", "no"]
    where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    return [binary, *where, "--save", "", *kept, "--maxmemory-policy", "noeviction", "--daemonize", "no"]


def _found(name: str) -> str:
    path = postgres_tool(name)
    if path is None:
        raise FileNotFoundError(name)
    return path
