"""The project package as an app: management commands and template tags of the frame."""

from django.apps import AppConfig


class PlaygroundConfig(AppConfig):
    name = "playground"

    def ready(self) -> None:
        # The Celery application must be the current one in every process, or a task is lost silently.
        from accounts import vault
        from playground import celery  # noqa: F401
        from playground.gateway.redaction import remember

        vault.on_open.append(remember)
