"""The verify app: the gateway's own integration checklist, run against a key and kept."""

from django.apps import AppConfig


class VerifyConfig(AppConfig):
    name = "playground.verify"
    default_auto_field = "django.db.models.BigAutoField"
