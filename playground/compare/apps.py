"""The compare app: the page Compare, where several models answer the same side by side."""

from django.apps import AppConfig


class CompareConfig(AppConfig):
    name = "playground.compare"
    default_auto_field = "django.db.models.BigAutoField"
