"""Pictures in chats while the bucket is away: each place says so, and what a model made is not lost."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.chat import attachments, ledger, made, turns
from playground.chat.models import Attachment, Conversation
from playground.gateway.events import MediaReceived
from tests._servers import cast
from tests.media.s3 import Bucket, bucket, on_s3, s3_server
from tests.media.test_files import picture

__all__ = ["bucket", "on_s3", "s3_server"]
pytestmark = pytest.mark.django_db
AWAY = "The file storage of this site cannot be reached just now."


@pytest.fixture
def page(owner: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(owner)


@pytest.fixture
def chosen(owner: User, team: Team, settings: LazySettings) -> dict[str, Any]:
    settings.GATEWAY_URLS = ["https://gateway.example.com"]
    key: GatewayKey = cast.seal_key(
        owner, team, label="Main", base_url=settings.GATEWAY_URLS[0], secret="sk-1"
    )
    fixed = {"family": "openai_chat", "model": "m-1", "system": "", "stream": True, "params": {}}
    return fixed | {"key": str(key.pk)}


@pytest.fixture
def talk(owner: User, team: Team, chosen: dict[str, Any]) -> Conversation:
    return turns.start(owner, team, id=uuid.uuid4(), settings=chosen)


@pytest.fixture
def attached(on_s3: Bucket, owner: User, team: Team) -> Attachment:
    return attachments.store(SimpleUploadedFile("a.png", picture()), owner, team)


def test_an_attached_picture_is_shown_from_the_bucket_or_says_why_not(
    on_s3: Bucket, attached: Attachment, page: Client
) -> None:
    url = reverse("chat:attachment", args=[attached.pk])
    assert page.get(url).content == on_s3.read(attached.file.name or "")
    on_s3.line.unplug()
    response = page.get(url)
    assert (response.status_code, response.content.decode()) == (503, AWAY)


def test_attaching_a_picture_is_refused_in_words(on_s3: Bucket, page: Client, talk: Conversation) -> None:
    on_s3.line.unplug()
    given = {"file": SimpleUploadedFile("b.png", picture()), "conversation": str(talk.pk)}
    response = page.post(reverse("chat:upload"), given)
    assert (response.status_code, response.content.decode()) == (422, f"b.png could not be kept. {AWAY}")


def test_a_question_whose_picture_cannot_be_had_is_not_sent_without_it(
    on_s3: Bucket, attached: Attachment, talk: Conversation, chosen: dict[str, Any]
) -> None:
    images = [{"attachment": str(attached.pk), "alt": ""}]
    run = turns.ask(talk, talk.owner, turn_id=uuid.uuid4(), text="What?", images=images, settings=chosen)
    on_s3.line.unplug()
    claim = ledger.claim(run.pk, "here", timezone.now())
    assert claim
    assert claim.built is None
    assert claim.refusal
    assert AWAY in claim.refusal.message


def test_the_preview_says_so_too(
    on_s3: Bucket, attached: Attachment, page: Client, chosen: dict[str, Any]
) -> None:
    form = {"family": "openai_chat", "params-of": "openai_chat", "model": "m-1", "key": chosen["key"]}
    form |= {"text": "What?", "image": str(attached.pk), "alt": ""}
    on_s3.line.unplug()
    response = page.post(reverse("chat:preview", args=[uuid.uuid4()]), form, headers={"HX-Request": "true"})
    assert AWAY in response.content.decode()


def test_a_picture_that_a_model_made_waits_on_the_disk_and_moves(
    on_s3: Bucket, talk: Conversation, chosen: dict[str, Any], page: Client, storage: Path
) -> None:
    run = turns.ask(talk, talk.owner, turn_id=uuid.uuid4(), text="Draw.", images=[], settings=chosen)
    on_s3.line.unplug()
    part = made.keep(MediaReceived(0, "image/png", base64.b64encode(picture()).decode()), run)
    row = Attachment.objects.get(pk=part["attachment"])
    assert (storage / str(row.file.name)).exists()
    on_s3.line.plug()
    url = reverse("chat:attachment", args=[row.pk])
    assert page.get(url).content == picture()
    call_command("move_files", verbosity=0)
    assert on_s3.read(row.file.name or "") == picture()
    assert page.get(url).content == picture()
