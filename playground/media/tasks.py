"""Celery entry points of the media app: bells, nothing else. A lost one only delays."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from playground.media import spending, worker


@shared_task(name="playground.media.tasks.tick")
def tick() -> None:
    """The beat: whatever is due is found in the rows."""
    worker.ring()


@shared_task(name="playground.media.tasks.submit")
def submit(task_id: str) -> None:
    """A new task is there to be sent."""
    worker.ring()


@shared_task(name="playground.media.tasks.free_budgets")
def free_budgets() -> None:
    """What was set aside for tasks that ended without a record, or are gone."""
    spending.sweep(timezone.now())
