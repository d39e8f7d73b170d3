"""Checks in a worker process: each run on a thread of its own, so that it holds up nothing else."""

from __future__ import annotations

import logging
import threading
import uuid

from celery import signals
from django.conf import settings
from django.db import close_old_connections, connections
from django.utils import timezone

from playground.verify import runs

log = logging.getLogger(__name__)
MOST = 4
END_S = 5.0
_lock = threading.Lock()
_threads: dict[uuid.UUID, threading.Thread] = {}
_ending = threading.Event()
# Told apart from every other process, and from this one after a restart.
OWNER = uuid.uuid4().hex


def ring() -> None:
    """Take up what is queued, as far as there is room."""
    with _lock:
        for pk in [pk for pk, thread in _threads.items() if not thread.is_alive()]:
            del _threads[pk]
        room = 0 if _ending.is_set() else MOST - len(_threads)
        for pk in runs.claim(OWNER, room, timezone.now()) if room > 0 else []:
            thread = threading.Thread(target=_drive, args=(pk,), name=f"check {pk}", daemon=True)
            _threads[pk] = thread
            thread.start()


def _drive(pk: uuid.UUID) -> None:
    close_old_connections()
    try:
        runs.drive(pk, OWNER, ending=_ending.is_set)
    except Exception:
        # Its lease runs out, and the sweep marks it: nothing waits for it for ever.
        log.exception("the check run %s ended badly", pk)
    finally:
        connections.close_all()


def _stop(**details: object) -> None:
    """What runs is marked as interrupted at once, while there is time for it."""
    _ending.set()
    for thread in list(_threads.values()):
        thread.join(min(END_S, settings.DRAIN_S))


signals.worker_shutdown.connect(_stop, weak=False)
signals.worker_process_shutdown.connect(_stop, weak=False)
