"""manage.py rebuild_measured: measure anew, from all runs, tasks and checks, what models were seen to do."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from playground.catalogue import measuring


class Command(BaseCommand):
    help = "Measures anew, from every run, task and check there is, what each model was seen to do."

    def handle(self, *args: Any, **options: Any) -> None:
        measuring.forget()
        batches = 0
        while found := measuring.look(timezone.now()):
            batches += found
            self.stdout.write(f"{batches:,} batches read")
        self.stdout.write("Done.")
