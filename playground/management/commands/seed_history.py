"""`manage.py seed_history`: make up a large history, to look at and to measure with."""

from __future__ import annotations

import time
from typing import Any

from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from playground.chat import search_index as chat_words
from playground.history.seeding import Seeder, Wish, cast_for
from playground.media import search_index as task_words

AFTER = ("rebuild_history", "rebuild_usage")


class Command(BaseCommand):
    help = (
        "Make up a team's history: chats, runs, tasks and what they used. For trying and measuring: nothing "
        "of it can be told from real work afterwards, so it only adds to a team of its own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--runs", type=int, default=10_000)
        parser.add_argument("--conversations", type=int, help="a tenth of the runs when not told")
        parser.add_argument("--tasks", type=int, default=0)
        parser.add_argument("--days", type=int, default=365, help="so far back it goes")
        parser.add_argument("--email", default="seed0@example.com", help="the owner, made when not there")
        parser.add_argument("--team", default="seeded", help="slug of the team, made when not there")
        parser.add_argument("--seed", type=int, help="the same number makes the same history, once")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["runs"] < 0 or options["tasks"] < 0 or options["days"] < 1:
            raise CommandError("--runs and --tasks are counts, --days is 1 at least.")
        began = time.monotonic()
        chats = options["conversations"] or max(1, options["runs"] // 10)
        wish = Wish(options["runs"], chats, options["tasks"], options["days"], timezone.now())
        cast = cast_for(options["email"].lower(), options["team"])
        self._without_words()
        try:
            Seeder(cast, wish, options["seed"]).everything(self._say)
        finally:
            self._with_words()
        for name in AFTER:
            if name in get_commands():
                self._say(f"{name} …")
                call_command(name, stdout=self.stdout)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self._say(f"Done in {time.monotonic() - began:.0f} s: team {cast.team.name}.")
        self._say(f"Look at it as {cast.people[0].email}: manage.py link {cast.people[0].email}")

    def _without_words(self) -> None:
        """Search indexes are made once at the end: row by row they cost more than the rows."""
        with connection.schema_editor() as editor:
            for index in (chat_words, task_words):
                index.remove(None, editor)

    def _with_words(self) -> None:
        for index in (chat_words, task_words):
            self._say("Index of words …")
            with connection.schema_editor() as editor:
                index.install(None, editor)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
