"""The history app: every run and task a team ever made: filters, search, saved views, export, ratings."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


class HistoryConfig(AppConfig):
    name = "playground.history"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from playground.history import rating
        from playground.library import kinds

        kinds.register_ratings(rating.by_name)
        pre_migrate.connect(_let_go, sender=self)
        post_migrate.connect(_keep, sender=self)


def _let_go(sender: AppConfig, using: str, plan: Any = (), **about: Any) -> None:
    """SQLite cannot rename a table while a trigger names one that is away, as in making tables anew."""
    from playground.history import triggers  # models are not ready when this module is read

    connection = connections[using]
    if plan and connection.vendor == "sqlite" and triggers.installed(connection):
        triggers.remove(connection)


def _keep(sender: AppConfig, using: str, **about: Any) -> None:
    """The triggers, when they are not all there; and the ledger of what was made before there was one."""
    from playground.history import rebuild, triggers
    from playground.history.models import Entry, Share
    from playground.history.sources import dialect_of

    connection = connections[using]
    with connection.cursor() as cursor:
        there = connection.introspection.table_names(cursor)
    if not {Entry._meta.db_table, Share._meta.db_table} <= set(there):
        return
    if set(triggers.names(dialect_of(connection))) - triggers.installed(connection):
        triggers.install(connection)
        if not Entry.objects.using(using).exists():
            rebuild.run()
