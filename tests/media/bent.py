"""A worker with a fault in it: `python -m tests.media.bent <fault> <module> [argument…]`.

`die:module:function:before` (or `after`) kills it at the first call of that function that has something to
do: SIGKILL, so that nothing is tidied up. `clock:<file>` lets its clock jump: the file holds the seconds it
is off by, read at each look, and on SQLite the clock of its connections is the same.
"""

from __future__ import annotations

import functools
import inspect
import os
import runpy
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

FORMAT = "%Y-%m-%d %H:%M:%f"
FAST_MEND_S = 1.0


def dying(module: str, function: str, when: str) -> None:
    """Replace the function by one that kills the process."""
    *path, name = function.split(".")
    owner: Any = import_module(module)
    for part in path:
        owner = getattr(owner, part)
    work = getattr(owner, name)
    setattr(
        owner, name, _killing_async(work, when) if inspect.iscoroutinefunction(work) else _killing(work, when)
    )


def _killing(work: Callable[..., Any], when: str) -> Callable[..., Any]:
    @functools.wraps(work)
    def call(*args: Any, **more: Any) -> Any:
        _die_if(when == "before")
        done = work(*args, **more)
        # A claim that found nothing is no claim.
        _die_if(when == "after" and done != [])
        return done

    return call


def _killing_async(work: Callable[..., Any], when: str) -> Callable[..., Any]:
    @functools.wraps(work)
    async def call(*args: Any, **more: Any) -> Any:
        _die_if(when == "before")
        done = await work(*args, **more)
        _die_if(when == "after")
        return done

    return call


def _die_if(now: bool) -> None:
    if now:
        os.kill(os.getpid(), signal.SIGKILL)


def shifted(file: Path) -> None:
    """Every clock this process reads is off by what stands in the file."""
    from django.db.backends.signals import connection_created
    from django.utils import timezone

    from playground.media import poller

    real = time.time

    def off() -> float:
        return float(file.read_text())

    def now() -> datetime:
        return datetime.fromtimestamp(real() + off(), UTC)

    def strftime(form: str, *told: str) -> str | None:
        if form != FORMAT or told != ("NOW",):
            return plain.execute(
                f"SELECT strftime({', '.join('?' * (1 + len(told)))})", (form, *told)
            ).fetchone()[0]
        return now().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]

    def bend(sender: object, connection: Any, **details: object) -> None:
        if connection.vendor == "sqlite":
            connection.connection.create_function("strftime", -1, strftime)

    plain = sqlite3.connect(":memory:", check_same_thread=False)
    connection_created.connect(bend, weak=False)
    timezone.now = now
    time.time = lambda: real() + off()
    poller.MEND_S = FAST_MEND_S


def main() -> None:
    import django

    fault, sys.argv = sys.argv[1], sys.argv[2:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")
    django.setup()
    kind, _, told = fault.partition(":")
    if kind == "die":
        dying(*told.split(":"))
    else:
        shifted(Path(told))
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
