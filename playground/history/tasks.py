"""Celery entry points of the history app."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from playground.history import removing


@shared_task(name="playground.history.tasks.tick")
def tick() -> None:
    """Delete for good what was deleted in History and not brought back."""
    removing.sweep(timezone.now())
