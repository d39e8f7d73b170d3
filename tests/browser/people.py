"""Many people of a site, each signed in and with a key for the demo and one for the tests' own gateway.

`python -m tests.browser.people <how many> <demo address> <own address>` in the site's environment prints
their names and sessions as one JSON line.
"""

from __future__ import annotations

import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402 - only after setup
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.db import transaction  # noqa: E402

from accounts.models import User  # noqa: E402
from tests._servers import cast  # noqa: E402


def person(number: int, demo: str, own: str) -> dict[str, str]:
    user = User.objects.create_user(
        f"somebody.with.quite.a.long.name.{number}@example.com", name=f"Visitor {number}"
    )
    for label, address, secret in (("Demo", demo, "demo-key"), ("Own", own, "own-key-4321")):
        cast.seal_key(user, user.personal_team, label=label, base_url=address, secret=secret)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return {"email": user.email, "cookie": settings.SESSION_COOKIE_NAME, "session": str(session.session_key)}


def main(count: str, demo: str, own: str) -> None:
    with transaction.atomic():
        rows = [person(number, demo, own) for number in range(int(count))]
    print(json.dumps(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
