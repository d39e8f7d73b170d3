"""Chats and the team: read by mates while shared, gone on from in copies, and told in the audit log."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, GatewayKey, Team, User
from playground.chat import turns
from playground.chat.models import Conversation, Turn

HTMX = {"HX-Request": "true"}
SignIn = Callable[[User], Client]


@pytest.fixture
def talk(answer: Turn) -> Conversation:
    return answer.conversation


def url(name: str, talk: Conversation) -> str:
    return reverse(f"chat:{name}", args=[talk.pk])


def share(client: Client, talk: Conversation, **more: str) -> Any:
    return client.post(url("share", talk), more)


def test_a_shared_chat_is_read_by_mates_and_written_by_nobody_else(
    sign_in: SignIn, owner: User, mate: User, talk: Conversation
) -> None:
    assert sign_in(mate).get(url("show", talk)).status_code == 404
    share(sign_in(owner), talk)
    page = sign_in(mate).get(url("show", talk))
    assert "Because." in page.content.decode()
    assert 'id="composer"' not in page.content.decode()
    assert "Continue as a copy" in page.content.decode()
    assert sign_in(mate).post(url("ask", talk), {"text": "And?"}).status_code == 403
    assert sign_in(mate).post(url("share", talk), {"stop": "1"}).status_code == 403


def test_what_is_not_shared_any_more_is_gone_for_mates(
    sign_in: SignIn, owner: User, mate: User, talk: Conversation
) -> None:
    share(sign_in(owner), talk)
    share(sign_in(owner), talk, stop="1")
    assert sign_in(mate).get(url("show", talk)).status_code == 404
    assert "Why?" not in sign_in(mate).get(reverse("chat:list")).content.decode()


def test_sharing_and_its_end_are_told_once_each(sign_in: SignIn, owner: User, talk: Conversation) -> None:
    client = sign_in(owner)
    for more in ({}, {}, {"stop": "1"}, {"stop": "1"}):
        share(client, talk, **more)
    told = AuditEvent.objects.order_by("id").values_list("verb", "actor", "target")
    assert list(told) == [("chat.share", owner.pk, "Why?"), ("chat.unshare", owner.pk, "Why?")]


def test_the_question_before_sharing_says_what_will_be_seen(
    sign_in: SignIn, owner: User, talk: Conversation
) -> None:
    client = sign_in(owner)
    asked = client.get(url("share", talk), headers=HTMX).content.decode()
    assert "Everybody in the team will be able to read" in asked
    share(client, talk)
    asked = client.get(url("share", talk)).content.decode()
    assert f"http://testserver{url('show', talk)}" in asked
    assert "Stop sharing" in asked


def test_the_title_of_the_open_chat_is_marked_at_once(
    sign_in: SignIn, owner: User, talk: Conversation
) -> None:
    client = sign_in(owner)
    here = client.post(url("share", talk), {"current": str(talk.pk)}, headers=HTMX)
    assert 'id="title"' in here.content.decode()
    assert "Shared" in here.content.decode()
    assert "chat-list" in here.headers["HX-Trigger"]
    elsewhere = client.post(url("share", talk), {"current": str(uuid.uuid4())}, headers=HTMX)
    assert elsewhere.status_code == 204
    assert "Shared" in client.get(url("show", talk)).content.decode()


def test_the_list_marks_what_is_shared_and_by_whom(
    sign_in: SignIn, owner: User, mate: User, talk: Conversation
) -> None:
    assert "shared with the team" not in sign_in(owner).get(reverse("chat:list")).content.decode()
    share(sign_in(owner), talk)
    assert "shared with the team" in sign_in(owner).get(reverse("chat:list")).content.decode()
    assert f"shared by {owner}" in sign_in(mate).get(reverse("chat:list")).content.decode()


def test_there_is_nobody_to_share_with_in_a_personal_team(client: Client, owner: User, answer: Turn) -> None:
    assert owner.personal_team is not None
    Conversation.objects.update(team=owner.personal_team)
    client.force_login(owner)
    session = client.session
    session["team"] = str(owner.personal_team.pk)
    session.save()
    page = client.get(reverse("chat:list")).content.decode()
    assert "Why?" in page
    assert "Share with the team" not in page


def test_a_copy_goes_on_where_the_shared_chat_stands(
    database: str, sign_in: SignIn, owner: User, mate: User, talk: Conversation
) -> None:
    share(sign_in(owner), talk)
    response = sign_in(mate).post(url("copy", talk))
    made = Conversation.objects.get(owner=mate)
    assert response.headers["Location"] == url("show", made)
    page = sign_in(mate).get(url("show", made)).content.decode()
    assert "Because." in page
    assert 'id="composer"' in page
    assert (made.forked_from, made.title, made.shared) == (talk, "Why?", False)
    assert [turn.text for turn in made.turns.order_by("created_at")] == ["Why?", "**Because.**"]
    assert talk.turns.count() == 2


def test_a_copy_asks_with_a_key_of_its_owner(
    sign_in: SignIn, owner: User, mate: User, team: Team, talk: Conversation
) -> None:
    own = GatewayKey.objects.create(owner=mate, team=team, label="Mine", base_url="https://g.example.com")
    share(sign_in(owner), talk)
    sign_in(mate).post(url("copy", talk))
    made = Conversation.objects.get(owner=mate)
    assert made.settings["key"] == str(own.pk)
    assert made.settings["model"] == "m-1"
    assert (
        turns.ask(made, mate, turn_id=uuid.uuid4(), text="And?", images=[], settings=made.settings).key == own
    )


def test_a_copy_takes_along_what_the_provider_sent(
    sign_in: SignIn, owner: User, answer: Turn, talk: Conversation
) -> None:
    Turn.objects.filter(pk=answer.pk).update(native='[{"text": "x"}]', native_for="openai_chat m-1")
    sign_in(owner).post(url("copy", talk))
    made = Conversation.objects.exclude(pk=talk.pk).get()
    turn = made.turns.get(role="assistant")
    assert (turn.native, turn.native_for) == ('[{"text": "x"}]', "openai_chat m-1")
    assert turn.copied_from == answer


def test_a_copy_may_end_at_an_earlier_turn(
    sign_in: SignIn, owner: User, answer: Turn, talk: Conversation, chosen: dict[str, Any]
) -> None:
    talk.refresh_from_db()
    turns.ask(talk, owner, turn_id=uuid.uuid4(), text="And then?", images=[], settings=chosen)
    client = sign_in(owner)
    client.post(url("copy", talk), {"turn": str(answer.pk)})
    made = Conversation.objects.exclude(pk=talk.pk).get()
    assert [turn.text for turn in made.turns.order_by("created_at")] == ["Why?", "**Because.**"]
    assert client.post(url("copy", talk), {"turn": str(uuid.uuid4())}).status_code == 404


def test_an_answer_that_is_being_written_stays_behind(
    sign_in: SignIn, owner: User, talk: Conversation, chosen: dict[str, Any]
) -> None:
    talk.refresh_from_db()
    turns.ask(talk, owner, turn_id=uuid.uuid4(), text="And then?", images=[], settings=chosen)
    sign_in(owner).post(url("copy", talk))
    made = Conversation.objects.exclude(pk=talk.pk).get()
    assert made.turns.count() == 2
    assert made.leaf is not None
    assert made.leaf.text == "**Because.**"


def test_a_viewer_reads_a_shared_chat_and_makes_no_copy(
    sign_in: SignIn, owner: User, viewer: User, talk: Conversation
) -> None:
    share(sign_in(owner), talk)
    page = sign_in(viewer).get(url("show", talk))
    assert page.status_code == 200
    assert "Continue as a copy" not in page.content.decode()
    assert sign_in(viewer).post(url("copy", talk)).status_code == 403
    assert Conversation.objects.count() == 1


def test_a_deleted_chat_is_told_without_the_title_that_nobody_else_could_read(
    sign_in: SignIn, owner: User, talk: Conversation, team: Team
) -> None:
    shown = Conversation.objects.create(owner=owner, team=team, title="For everybody", shared=True)
    for gone in (talk, shown):
        sign_in(owner).post(url("delete", gone))
    told = AuditEvent.objects.filter(verb="chat.delete").order_by("id").values_list("target", flat=True)
    assert list(told) == ["(private)", "For everybody"]
