"""Print a fresh vault key."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Print a fresh entry for VAULT_KEYS. Put it first, restart everything, then run rotate_keys."

    # It must run where there is no ring yet.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        self.stdout.write(f"k{secrets.token_hex(3)}:{key}")
