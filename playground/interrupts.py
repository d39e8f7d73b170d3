"""A Ctrl-C while a command prepares is never lost. Standard library only.

Python raises KeyboardInterrupt wherever it happens to be; in a finalizer or a callback of SQLite's that is
printed or turned into another error, and the command would go on. So the signal is noted before it is
raised, and whoever starts something asks for the note first.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_noted: list[int] = []


def listen() -> None:
    """From now on a Ctrl-C is noted, and raised as KeyboardInterrupt like before.

    One that came earlier may be waiting: `bootstrap.py` lets it, as Python is not ready for it at once.
    """
    signal.signal(signal.SIGINT, _note)
    sys.unraisablehook = _unraisable
    release()


def check() -> None:
    """Raise KeyboardInterrupt if there was a Ctrl-C that something swallowed."""
    if _noted:
        raise KeyboardInterrupt


def hold() -> None:
    """Keep the ending signals waiting, over an exec too, until `release`; raises for one that came before."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    check()


def release() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def _note(number: int, frame: FrameType | None) -> None:
    _noted.append(number)
    raise KeyboardInterrupt


def _unraisable(lost: sys.UnraisableHookArgs) -> None:
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
