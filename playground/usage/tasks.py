"""Celery entry points of the usage app."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from playground.usage import rollups


@shared_task(name="playground.usage.tasks.tick")
def tick() -> None:
    """New facts into the roll-ups, and costs reckoned anew after a price was set back."""
    rollups.tick(timezone.now())
