"""The Celery application. Messages carry ids only; the rows they name are the truth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

from django.conf import settings  # noqa: E402 - needs the variable above

SCHEDULE: dict[str, Any] = {
    "sweep-dead-runs": {"task": "playground.chat.tasks.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "look-at-tasks": {"task": "playground.media.tasks.tick", "schedule": 1.0, "options": {"expires": 5}},
    "refresh-models": {
        "task": "playground.ops.tasks.refresh_due",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "roll-up-usage": {"task": "playground.usage.tasks.tick", "schedule": 15.0, "options": {"expires": 15}},
    "free-budgets-of-tasks": {
        "task": "playground.media.tasks.free_budgets",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "look-at-checks": {"task": "playground.verify.tasks.tick", "schedule": 5.0, "options": {"expires": 5}},
    "delete-from-history": {
        "task": "playground.history.tasks.tick",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "measure-models": {
        "task": "playground.catalogue.tasks.look",
        "schedule": 30.0,
        "options": {"expires": 30},
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


TRANSPORT_ALIASES["filesystem"] = "playground.broker:Transport"
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
app.autodiscover_tasks(
    [
        "playground.chat",
        "playground.ops",
        "playground.media",
        "playground.catalogue",
        "playground.verify",
        "playground.usage",
        "playground.history",
    ]
)
