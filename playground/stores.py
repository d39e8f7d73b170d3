"""PostgreSQL and Redis servers of our own, from installed binaries: for `make production` and the tests.

Standard library only. Both listen on loopback alone. Passwords are in files, never in a command.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

# Debian keeps the server's tools off PATH, Homebrew those of a versioned formula.
POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
ROLE = "playground"
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
    """Who runs PostgreSQL: ourselves, or, as it refuses root, an account that owns nothing else."""
    if os.geteuid() != 0:
        return None
    accounts = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in accounts else "nobody"


def make_cluster(folder: Path, *, password: str = "", sync: bool = True) -> None:
    """A new database cluster in `folder`, unless it holds one; without a password it trusts loopback."""
    if (folder / "PG_VERSION").exists():
        return
    # Made beside it: one that a Ctrl-C left half made must not be taken for a whole one.
    half = folder.with_name(f"{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True, mode=0o700)
    user = server_user()
    argv = [_found("initdb"), "-D", str(half), "-U", ROLE, "-E", "UTF8", "--locale=C"]
    argv += [] if sync else ["--no-sync"]
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(f"{password}\n")
        file.flush()
        argv += ["-A", "scram-sha-256", "--pwfile", file.name] if password else ["-A", "trust"]
        for path in (half, Path(file.name)):
            if user:
                shutil.chown(path, user)
        done = subprocess.run(argv, user=user, cwd="/", capture_output=True, text=True)  # noqa: S603 - no shell
    if done.returncode:
        shutil.rmtree(half, ignore_errors=True)
        raise OSError(f"initdb failed: {done.stderr.strip()}")
    half.rename(folder)


def postgres_command(folder: Path, port: int, **options: str) -> list[str]:
    fixed = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "logging_collector": "off"}
    settings = [part for name, value in (fixed | options).items() for part in ("-c", f"{name}={value}")]
    return [_found("postgres"), "-D", str(folder), "-p", str(port), *settings]


def make_database(name: str, port: int, password: str) -> None:
    """Create the database unless it is there."""
    argv = [_found("createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", ROLE, "-w", name]
    env = os.environ | {"PGPASSWORD": password}
    done = subprocess.run(argv, env=env, capture_output=True, text=True)  # noqa: S603 - no shell
    if done.returncode and "already exists" not in done.stderr:
        raise OSError(f"createdb failed: {done.stderr.strip()}")


def postgres_ready(port: int) -> bool:
    argv = [_found("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(argv).returncode == 0  # noqa: S603 - no shell


def redis_command(folder: Path, port: int, *, password: str = "") -> list[str]:
    """With a password also an append-only file in `folder`, so that a restart loses nothing."""
    binary = redis_binary()
    if binary is None:
        raise FileNotFoundError("redis-server")
    file = folder / "redis.conf"
    file.touch(mode=0o600)
    kept = [f"requirepass {password}", "appendonly yes"] if password else ["appendonly no"]
    lines = [f"port {port}", f'dir "{folder}"', "bind 127.0.0.1", 'save ""', "maxmemory-policy noeviction"]
    file.write_text("\n".join([*lines, *kept, ""]))
    return [binary, str(file)]


def _found(name: str) -> str:
    path = postgres_tool(name)
    if path is None:
        raise FileNotFoundError(name)
    return path
