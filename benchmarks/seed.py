"""People, keys, conversations and sessions for the load generator, made with the product's own models.

`python -m benchmarks.seed people <count> <gateway address>`, `… conversations` (a new one for
everybody) or `… answers <conversation>…` (what is stored), in the benchmark's environment; one JSON line.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402 - only after setup
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.db import transaction  # noqa: E402

from accounts import vault  # noqa: E402
from accounts.models import GatewayKey, Team, User  # noqa: E402
from playground.chat.models import Conversation, Run  # noqa: E402


def person(number: int, address: str) -> dict[str, str]:
    user = User.objects.create_user(f"bench{number}@example.com")
    team = user.personal_team
    key = GatewayKey(team=team, owner=user, label="bench", base_url=address, last4="ench")
    key.sealed, key.vault_key_id = vault.seal("bench-key", row=key.pk, team=team.pk)
    key.save()
    conversation = Conversation.objects.create(team=team, owner=user, settings={})
    return {"session": signed_in(user), "key": str(key.pk), "conversation": str(conversation.pk)}


def signed_in(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def seed(people: int, address: str) -> dict[str, Any]:
    with transaction.atomic():
        rows = [person(number, address) for number in range(people)]
    cookies = {"session": settings.SESSION_COOKIE_NAME, "csrf": settings.CSRF_COOKIE_NAME}
    return {"cookies": cookies, "people": rows}


def conversations() -> list[str]:
    """An empty conversation for each person, in the order they were made."""
    users = User.objects.filter(email__startswith="bench").order_by("created_at", "pk")
    teams = {team.personal_of_id: team for team in Team.objects.exclude(personal_of=None)}
    rows = [Conversation(team=teams[user.pk], owner=user, settings={}) for user in users]
    Conversation.objects.bulk_create(rows)
    return [str(row.pk) for row in rows]


def answers(of: list[str]) -> list[dict[str, Any]]:
    """The last run of each conversation: its status and the text that is stored."""
    rows = []
    for pk in of:
        run = Run.objects.select_related("answer").filter(conversation_id=pk).latest("created_at")
        parts = run.answer.parts if run.answer else []
        rows.append({"status": run.status, "text": "".join(part["text"] for part in parts)})
    return rows


def main(what: str, *arguments: str) -> Any:
    if what == "people":
        return seed(int(arguments[0]), arguments[1])
    return conversations() if what == "conversations" else answers(list(arguments))


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
