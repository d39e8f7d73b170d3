"""The secrets an embedded playground makes for itself and keeps under its data folder."""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


class SecretsError(Exception):
    """The data folder cannot hold or give a secret; the message is for the operator."""


def keep(folder: Path, name: str, make: str) -> str:
    """Read `folder/name`, or write `make` to it first (mode 0600, never over another's file)."""
    path = folder / name
    try:
        with suppress(FileExistsError):  # a file there is told as what it is not: a folder
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _write(path, make)
    except OSError as error:
        raise SecretsError(f"cannot write to the data folder {folder}: {error.strerror}") from error
    try:
        path.chmod(0o600)
        return path.read_text().strip()
    except OSError as error:
        raise SecretsError(f"cannot read {path}: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    """Whole or not at all: on a full disk an empty secret would stay, and be read ever after."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:
        file.write(text)
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)


def secret_key(folder: Path) -> str:
    return keep(folder, "secret_key", secrets.token_urlsafe(50))


def vault_keys(folder: Path) -> str:
    """The key ring as text: one `id:base64url of 32 bytes` a line, the first one seals."""
    return keep(folder, "vault_keys", new_vault_key())


def new_vault_key() -> str:
    return f"k{secrets.token_hex(3)}:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"
