"""Who may go on watching a page's stream: asked again at every heartbeat."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Team, User
from playground.chat.models import Conversation, Turn
from playground.chat.runner import Watcher
from playground.chat.stream import refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(client: Client, mate: User) -> str:
    client.force_login(mate)
    return client.session.session_key or ""


def test_who_signed_out_or_is_outside_the_team_may_not_go_on(
    session: str, mate: User, stranger: User, team: Team
) -> None:
    may = Watcher(session, mate.pk, team.pk, None)
    signed_out = Watcher("gone", mate.pk, team.pk, None)
    outside = Watcher(session, stranger.pk, team.pk, None)
    assert refused({may, signed_out, outside}, timezone.now()) == {signed_out, outside}


def test_who_left_the_team_may_not_hear_of_its_tasks_any_more(session: str, mate: User, team: Team) -> None:
    watcher = Watcher(session, mate.pk, team.pk, None)
    Membership.objects.filter(user=mate, team=team).delete()
    assert refused({watcher}, timezone.now()) == {watcher}


def test_a_chat_that_is_not_shared_any_more_may_not_be_watched(
    session: str, mate: User, team: Team, answer: Turn
) -> None:
    watcher = Watcher(session, mate.pk, team.pk, answer.conversation_id)
    Conversation.objects.update(shared=True)
    assert refused({watcher}, timezone.now()) == set()
    Conversation.objects.update(shared=False)
    assert refused({watcher}, timezone.now()) == {watcher}
