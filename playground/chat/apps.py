"""The chat app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "playground.chat"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models can be imported only now.
        from playground.chat.prompt_kind import KIND
        from playground.chat.prompt_uses import ChatUses
        from playground.library import kinds

        kinds.register(KIND)
        kinds.register_uses("chat", ChatUses())
