"""Celery entry points of the verify app: bells, nothing else. A lost one only delays."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from playground.verify import retention, runs, weekly, worker


@shared_task(name="playground.verify.tasks.begin")
def begin(run_id: str) -> None:
    """A new run is there to be worked on."""
    worker.ring()


@shared_task(name="playground.verify.tasks.tick")
def tick() -> None:
    """The beat: runs whose process is gone, old certificates, weekly checks that are due, what is queued."""
    now = timezone.now()
    runs.sweep(now)
    retention.sweep(now)
    weekly.begin_due(now)
    worker.ring()
