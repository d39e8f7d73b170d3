"""`manage.py rebuild_history`: make the list in History anew from runs, tasks and checks."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from playground.history import rebuild


class Command(BaseCommand):
    help = (
        "Make the list in History anew. The site may go on meanwhile: the newest lines are back first. "
        "Stopped half way, it goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=rebuild.BATCH, help="so many in one transaction")

    def handle(self, *args: Any, **options: Any) -> None:
        count = rebuild.run(self.stdout.write, max(1, options["batch"]))
        self.stdout.write(f"{count:,} lines.")
