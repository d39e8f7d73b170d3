"""A save of what was typed that is overtaken by the sending of it, on each kind of database."""

from __future__ import annotations

from tests._servers.apart import Run

BEGIN = """
import secrets, uuid
import django
django.setup()
from threading import Event, Thread
from django.db import connection
from django.test import Client
from accounts.models import GatewayKey, User
from playground.chat import turns
from playground.chat.models import Conversation, Draft, Turn
user = User.objects.create_user(f"one@{secrets.token_hex(8)}.example")
team = user.personal_team
key = GatewayKey.objects.create(team=team, owner=user, label="K", base_url="http://127.0.0.1:9")
visitor = Client(SERVER_NAME="localhost")
visitor.force_login(user)
"""
RACE = """
known = Conversation.objects.create(team=team, owner=user)
for conversation in (uuid.uuid4(), known.pk):
    written, go_on, queue = Event(), Event(), turns.queue
    def held(*asked, **more):
        written.set()
        go_on.wait()
        return queue(*asked, **more)
    turns.queue = held
    typed = {"turn_id": str(uuid.uuid4()), "text": "Hello"}
    chosen = {"key": str(key.pk), "family": "openai_chat", "model": "m", "stream": "on"}
    answers = {}
    def post(what, **data):
        answers[what] = visitor.post(f"/chat/{conversation}/{what}", data).status_code
        connection.close()
    asking = Thread(target=post, args=("ask",), kwargs=typed | chosen)
    saving = Thread(target=post, args=("draft",), kwargs=typed)
    asking.start()
    assert written.wait(60)
    saving.start()
    saving.join(0.5)  # as long as a save may take that does not wait for the question
    go_on.set()
    asking.join()
    saving.join()
    turns.queue = queue
    print(answers["ask"], answers["draft"], Turn.objects.filter(pk=typed["turn_id"]).count(),
          Draft.objects.filter(user=user).exclude(text="").count())
"""


def test_a_late_save_brings_back_nothing_that_was_sent(apart: Run) -> None:
    assert apart(RACE) == "302 204 1 0\n" * 2
