"""Print a one-time sign-in link, for whoever can run commands on this machine."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.utils import timezone

from accounts import audit, links
from accounts.models import User
from accounts.owner import LOCAL_EMAIL, local_owner


class Command(BaseCommand):
    help = "Print a one-time sign-in link; the person is made when there is none by that address."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", default=LOCAL_EMAIL, help="whom the link signs in")
        parser.add_argument("--superuser", action="store_true", help="make them a superuser too")

    def handle(self, *args: Any, **options: Any) -> None:
        user = _person(options["email"].strip().lower(), superuser=options["superuser"])
        if not user.is_active:
            raise CommandError(f"{user.email} is switched off.")
        token = links.make_link(user, timezone.now())
        audit.record(None, user.personal_team, "link.make", user.email)
        self.stdout.write(links.address(token))


def _person(email: str, *, superuser: bool) -> User:
    if email == LOCAL_EMAIL:
        return local_owner()
    try:
        validate_email(email)
    except ValidationError as error:
        raise CommandError(f"{email!r} is no e-mail address.") from error
    user = User.objects.filter(email=email).first() or User.objects.create_user(email)
    if superuser and not user.is_superuser:
        user.is_staff = user.is_superuser = True
        user.save(update_fields=["is_staff", "is_superuser"])
    return user
