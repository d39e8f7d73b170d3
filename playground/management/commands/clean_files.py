"""Kept files that no row names: what a kill between file and row left, or what could not be deleted."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from playground.inventory import unnamed
from playground.storage import StorageError


class Command(BaseCommand):
    help = "Delete kept files that nothing refers to, a day after they were written at the earliest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only name them")

    def handle(self, **options: Any) -> None:
        try:
            names = unnamed(timezone.now())
            for name in names:
                self.stdout.write(name)
                if not options["dry_run"]:
                    default_storage.delete(name)
        except StorageError as error:
            raise CommandError(f"{error} ({error.detail})") from error
        self.stdout.write(f"{len(names):,} files {'would be' if options['dry_run'] else 'were'} deleted.")
