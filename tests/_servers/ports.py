"""Ports for servers that are told theirs before they listen: nobody else is given one meanwhile.

What `bind(0)` gave and closed again may be anybody's a moment later, and a web process takes seconds until
it listens. These lie below what systems give by themselves, and each process of a test run has its own.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from itertools import cycle, islice

FIRST, EACH, PROCESSES = 20_000, 1_000, 12


def range_of(process: str) -> range:
    """`process`: as xdist calls it, "gw0", "gw1", …; "" when it is the only one."""
    first = FIRST + EACH * (int(process.removeprefix("gw") or 0) % PROCESSES)
    return range(first, first + EACH)


def _round() -> Iterator[int]:
    """Every port of this process, over and over; another run on this machine most likely begins elsewhere."""
    mine, start = range_of(os.environ.get("PYTEST_XDIST_WORKER", "")), secrets.randbelow(EACH)
    return cycle((*mine[start:], *mine[:start]))


_ports = _round()


def own_port() -> int:
    """A port on which nobody listens, and the last of all to be given again."""
    return next(port for port in islice(_ports, EACH) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
