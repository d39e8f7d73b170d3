"""`manage.py rebuild_usage`: make the roll-ups anew from the usage records, day by day."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Team
from playground.usage import rollups


class Command(BaseCommand):
    help = (
        "Make the roll-ups of the page Usage anew from the usage records. May run while others work, be "
        "stopped and started again: each day is a step of its own, and the figures are right after each."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--team", help="slug of the only team to do")

    def handle(self, *args: Any, **options: Any) -> None:
        teams = Team.objects.order_by("slug")
        if options["team"] and not (teams := teams.filter(slug=options["team"])):
            raise CommandError(f"There is no team {options['team']!r}.")
        began, days = time.monotonic(), 0
        for team in teams:
            for day in rollups.days_of(team.pk):
                rollups.rebuild_day(team.pk, day)
                days += 1
        rollups.forget_gone_teams()
        self.stdout.write(f"{days} days of {len(teams)} teams in {time.monotonic() - began:.1f} s.")
