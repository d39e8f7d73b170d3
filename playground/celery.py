"""The Celery application. Messages carry ids only; the rows they name are the truth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

from django.conf import settings  # noqa: E402 - needs the variable above

SCHEDULE: dict[str, Any] = {
    "sweep-dead-runs": {"task": "playground.chat.tasks.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "refresh-models": {
        "task": "playground.ops.tasks.refresh_due",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
}


def transport_options() -> dict[str, Any]:
    """Redis: nothing runs longer than the visibility timeout. Embedded: folders under the data folder."""
    if settings.REDIS_URL:
        return {"visibility_timeout": 600, "socket_connect_timeout": 2, "socket_timeout": 10}
    folder = Path(settings.CELERY_BROKER_FOLDER)
    for name in ("in", "done", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    return {
        "data_folder_in": str(folder / "in"),
        "data_folder_out": str(folder / "in"),
        "processed_folder": str(folder / "done"),
        "control_folder": str(folder / "control"),
        "store_processed": False,
        "polling_interval": 0.2,
    }


app = Celery("playground")
app.set_default()
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_transport_options=transport_options(),
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    timezone="UTC",
    beat_schedule=SCHEDULE,
    beat_schedule_filename=str(settings.DATA_DIR / "celerybeat-schedule"),
)
app.autodiscover_tasks(["playground.chat", "playground.ops"])
