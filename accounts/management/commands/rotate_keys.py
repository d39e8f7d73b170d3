"""Seal every stored gateway key under the first vault key. Safe to stop and start again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import vault


class Command(BaseCommand):
    help = "Seal every stored gateway key under the first key of VAULT_KEYS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=200, help="rows read at a time")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = vault.rotate_all(max(1, options["batch"]))
        except vault.VaultError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{done.moved} sealed anew, {done.left} left under an older vault key")
        if done.left:
            raise CommandError(
                f"{done.unreadable} could not be opened: put back the vault key they were sealed with, "
                "or let their owners paste them again. Until then keep every vault key."
            )
