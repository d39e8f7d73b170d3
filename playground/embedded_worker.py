"""The worker of embedded mode, with the scheduler as a thread of it.

Celery's own `worker --beat` forks a second process for the scheduler, which costs 70 MB. Without a scheduler
the worker is of no use here, so that it ends when that does, and the supervisor starts it anew.
"""

from __future__ import annotations

import os
import signal
import warnings
from threading import Event, Thread
from typing import Any

from celery import signals
from celery.beat import Service
from celery.platforms import SecurityWarning  # type: ignore[attr-defined] # not in the stubs

from playground.celery import app
from playground.processes import WORKER_OPTIONS


def main() -> None:
    # It is about pickled messages sent to a worker of root; only JSON is accepted here.
    warnings.simplefilter("ignore", SecurityWarning)
    # It looks up every second, so that it notices a stop.
    beat = Service(app, max_interval=1, schedule_filename=app.conf.beat_schedule_filename)
    ending = Event()

    def schedule() -> None:
        try:
            beat.start()
        finally:
            if not ending.is_set():
                os.kill(os.getpid(), signal.SIGTERM)

    thread = Thread(target=schedule, name="beat", daemon=True)

    @signals.worker_ready.connect(weak=False)
    def start(**details: Any) -> None:
        thread.start()

    @signals.worker_shutting_down.connect(weak=False)
    def stop(**details: Any) -> None:
        ending.set()
        beat.stop()

    app.worker_main(["--quiet", "worker", *WORKER_OPTIONS])


if __name__ == "__main__":
    main()
