"""The media app."""

from django.apps import AppConfig


class MediaConfig(AppConfig):
    name = "playground.media"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models can be imported only now.
        from playground.library import kinds
        from playground.media.prompt_kinds import KINDS
        from playground.media.prompt_uses import MediaUses

        for kind in KINDS:
            kinds.register(kind)
        kinds.register_uses("media", MediaUses())
