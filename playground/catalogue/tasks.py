"""Celery entry points of the catalogue."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from playground.catalogue import measuring


@shared_task(name="playground.catalogue.tasks.look")
def look() -> None:
    """The tick: what ended since the last one, for what models were seen to do."""
    measuring.look(timezone.now())
