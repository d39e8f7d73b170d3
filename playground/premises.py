"""What has to be free before anything starts: the data folder and the ports. Standard library only."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from pathlib import Path


class Taken(Exception):
    """Something else is there; the message is one line that says what to do."""


def lock(folder: Path, address: str) -> int:
    """Take the data folder for this process and all that it becomes; the descriptor survives an exec.

    The lock goes with the last process that holds the descriptor, however that ends.
    """
    path = folder / "lock"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Taken(f"Cannot write to the data folder {folder}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        where = os.pread(handle, 200, 0).decode(errors="replace")
        os.close(handle)
        raise Taken(
            f"The playground already runs on {folder} ({where}); end that one, or set PLAYGROUND_DATA"
        ) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, address.encode(), 0)
    os.set_inheritable(handle, True)
    return handle


def need_port(name: str, port: int, command: str) -> None:
    """A browser may try either loopback address for `localhost`, so both have to be free."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Taken(f"Port {port} is taken; try {name}={port + 10} {command}") from error
            if error.errno == errno.EACCES:
                raise Taken(f"Port {port} needs more rights; try {name}=8010 {command}") from error
            # Anything else: no IPv6 on this machine, so nobody else listens there.


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
