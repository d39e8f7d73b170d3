"""The worker of embedded mode, with the scheduler as a thread of it.

Celery's own `worker --beat` forks a second process for the scheduler, which costs 70 MB.
"""

from __future__ import annotations

import warnings
from threading import Thread
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
    thread = Thread(target=beat.start, name="beat", daemon=True)

    @signals.worker_ready.connect(weak=False)
    def start(**details: Any) -> None:
        thread.start()

    @signals.worker_shutting_down.connect(weak=False)
    def stop(**details: Any) -> None:
        beat.stop()

    app.worker_main(["--quiet", "worker", *WORKER_OPTIONS])


if __name__ == "__main__":
    main()
