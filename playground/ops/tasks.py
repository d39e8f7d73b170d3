"""Celery entry points of the ops app."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts.models import GatewayKey
from playground.ops import catalog


@shared_task(name="playground.ops.tasks.refresh_due")
def refresh_due() -> None:
    """The tick: keys whose list of models is old."""
    catalog.refresh_due(catalog.shared_transport(), timezone.now())


@shared_task(name="playground.ops.tasks.refresh")
def refresh(key_id: str) -> None:
    """The whole list of one key, when a test saw only its beginning."""
    key = GatewayKey.objects.filter(pk=key_id, revoked_at=None).first()
    if key is not None:
        catalog.refresh(key, catalog.shared_transport(), timezone.now())
