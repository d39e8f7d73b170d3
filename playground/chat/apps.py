"""The chat app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "playground.chat"
    default_auto_field = "django.db.models.BigAutoField"
