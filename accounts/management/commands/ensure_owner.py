"""See to it that the owner and the keys the site starts with are there. Changes nothing when they are."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import vault
from accounts.models import User
from accounts.owner import LOCAL_EMAIL, demo_key, env_key, local_owner


class Command(BaseCommand):
    help = "Make the local owner if missing, with the demo key and the key from the environment."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", default=LOCAL_EMAIL, help="an existing person, in production")
        parser.add_argument("--demo-url", help="address of the demo gateway, to give them its key")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = _owner(options["email"].strip().lower())
        try:
            if options["demo_url"]:
                demo_key(owner, options["demo_url"].rstrip("/"), settings.DEMO_KEY)
            env_key(owner, settings.GATEWAY_URLS[0], settings.ENV_KEY_NAME)
        except vault.VaultError as error:
            raise CommandError(str(error)) from error


def _owner(email: str) -> User:
    if email == LOCAL_EMAIL and settings.EMBEDDED:
        return local_owner()
    user = User.objects.filter(email=email).first()
    if user is None:
        raise CommandError(f"Nobody signs in as {email}: make them with `manage.py link --email {email}`.")
    return user
