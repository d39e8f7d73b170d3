"""Celery entry points of the chat app."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from playground.chat import ledger, relay


@shared_task(name="playground.chat.tasks.sweep")
def sweep() -> None:
    """Mark runs whose process is gone; the web processes do the same, this one helps when none is up."""
    for run, conversation in ledger.sweep(timezone.now()):
        relay.tell_ended(run, conversation)
