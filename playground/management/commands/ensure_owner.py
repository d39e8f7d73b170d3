"""See to it that the owner and the keys the site starts with are there. Changes nothing when they are.

A worker is asked for the keys' models, so that the first chat page has one to begin with.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import vault
from accounts.models import User
from accounts.owner import LOCAL_EMAIL, demo_key, env_key, local_owner
from playground.ops.keys import fetch_models


class Command(BaseCommand):
    help = "Make the local owner if missing, with the demo key and the key from the environment."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", default=LOCAL_EMAIL, help="an existing person, in production")
        parser.add_argument("--demo-url", help="address of the demo gateway, to give them its key")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = _owner(options["email"].strip().lower())
        try:
            keys = [env_key(owner, settings.GATEWAY_URLS[0], settings.ENV_KEY_NAME)]
            if options["demo_url"]:
                keys.append(demo_key(owner, options["demo_url"].rstrip("/"), settings.DEMO_KEY))
        except vault.VaultError as error:
            raise CommandError(str(error)) from error
        for key in keys:
            if key is not None and key.revoked_at is None:
                fetch_models(key)


def _owner(email: str) -> User:
    if email == LOCAL_EMAIL and settings.EMBEDDED:
        return local_owner()
    user = User.objects.filter(email=email).first()
    if user is None:
        raise CommandError(f"Nobody signs in as {email}: make them with `manage.py link --email {email}`.")
    return user
