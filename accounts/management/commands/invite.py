"""Invite somebody into a team, and print the link to send them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.utils import timezone

from accounts import invitations
from accounts.models import Role, Team, User


class Command(BaseCommand):
    help = "Invite somebody: into a team, or just to make an account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--team", help="the team's slug; without it they get an account only")
        parser.add_argument("--role", default="member", choices=[role.name.lower() for role in Role])

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is no e-mail address.") from error
        if settings.SIGN_UP == "closed" and not User.objects.filter(email=email).exists():
            raise CommandError("Sign-up is closed: set SIGN_UP=invitation, or make them a link instead.")
        team = _team(options["team"]) if options["team"] else None
        role = Role[options["role"].upper()]
        _, token = invitations.invite(email, team=team, role=role, by=None, now=timezone.now())
        self.stdout.write(invitations.address(token))


def _team(slug: str) -> Team:
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        raise CommandError(f"There is no team {slug!r}.")
    return team
