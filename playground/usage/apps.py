"""The usage app: what runs and tasks used and cost: roll-ups, prices, budgets."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class UsageConfig(AppConfig):
    name = "playground.usage"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(forget_strays, sender=self)


def forget_strays(*, using: str, **about: Any) -> None:
    """Without a record nothing was used: `flush` empties the tables one by one, and what it takes out of the
    records is written down as a fact by their trigger.
    """
    from playground.ops.models import UsageRecord
    from playground.usage.models import Fact, Rollup

    if not UsageRecord.objects.using(using).exists():
        Fact.objects.using(using).all().delete()
        Rollup.objects.using(using).all().delete()
