"""The ops app."""

from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "playground.ops"
    default_auto_field = "django.db.models.BigAutoField"
