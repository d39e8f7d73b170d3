"""The list, what is done to a whole chat, drafts, settings, images and the activity chip."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from accounts.models import GatewayKey, Team, User
from playground.chat import turns
from playground.chat.listing import by_day
from playground.chat.models import Attachment, Conversation, Draft, Turn

HTMX = {"HX-Request": "true"}
SignIn = Callable[[User], Client]
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def talk(owner: User, team: Team, chosen: dict[str, Any]) -> Conversation:
    return Conversation.objects.create(owner=owner, team=team, title="Lighthouses", settings=chosen)


def picture(name: str = "sky.png") -> SimpleUploadedFile:
    data = io.BytesIO()
    Image.new("RGB", (8, 6), (90, 140, 200)).save(data, "PNG")
    return SimpleUploadedFile(name, data.getvalue(), content_type="image/png")


def test_the_list_holds_ones_own_chats_and_shared_ones(
    sign_in: SignIn, owner: User, mate: User, team: Team, talk: Conversation
) -> None:
    Conversation.objects.create(owner=owner, team=team, title="For everybody", shared=True)
    Conversation.objects.create(owner=owner, team=owner.personal_team, title="Elsewhere")
    html = sign_in(mate).get(reverse("chat:list")).content.decode()
    assert "For everybody" in html
    assert "Lighthouses" not in html
    html = sign_in(owner).get(reverse("chat:list")).content.decode()
    assert "Lighthouses" in html
    assert "Elsewhere" not in html


def test_chats_stand_under_their_day() -> None:
    ages = [0, 1, 3, 40, 400]
    rows = [Conversation(title=str(age), updated_at=NOW - timedelta(days=age)) for age in ages]
    assert [group.label for group in by_day(rows, NOW)] == [
        "Today",
        "Yesterday",
        "Last 7 days",
        "October",
        "October 2025",
    ]


def test_the_list_takes_the_same_queries_however_long_it_is(
    sign_in: SignIn, owner: User, team: Team, talk: Conversation, django_assert_num_queries: Any
) -> None:
    client, url = sign_in(owner), reverse("chat:list")
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for at in range(30):
        Conversation.objects.create(owner=owner, team=team, title=f"Chat {at}")
    with django_assert_num_queries(len(few)):
        client.get(url)


def test_a_long_list_is_cut_and_goes_on(sign_in: SignIn, owner: User, team: Team) -> None:
    Conversation.objects.bulk_create(
        Conversation(owner=owner, team=team, title=f"Chat {at}") for at in range(65)
    )
    client = sign_in(owner)
    html = client.get(reverse("chat:list")).content.decode()
    assert html.count('class="pick"') == 60
    assert "show=120" in html
    html = client.get(reverse("chat:list"), {"show": "120"}).content.decode()
    assert html.count('class="pick"') == 65
    assert "Show more" not in html


def test_a_running_chat_is_marked(
    sign_in: SignIn, owner: User, talk: Conversation, chosen: dict[str, Any]
) -> None:
    client = sign_in(owner)
    assert "live-dot" not in client.get(reverse("chat:list")).content.decode()
    turns.ask(talk, owner, turn_id=uuid.uuid4(), text="Go", images=[], settings=chosen)
    assert "live-dot" in client.get(reverse("chat:list")).content.decode()


def test_search_finds_titles_and_marks_the_words(
    sign_in: SignIn, owner: User, talk: Conversation, chosen: dict[str, Any]
) -> None:
    turns.ask(
        talk, owner, turn_id=uuid.uuid4(), text="How bright is a fresnel lens?", images=[], settings=chosen
    )
    client = sign_in(owner)
    assert "Lighthouses" in client.get(reverse("chat:list"), {"q": "fresnel"}).content.decode()
    assert "<mark>fresnel</mark>" in client.get(reverse("chat:list"), {"q": "fresnel"}).content.decode()
    assert "No chat has these words" in client.get(reverse("chat:list"), {"q": "submarine"}).content.decode()


def test_rename_tells_the_page_and_its_list(sign_in: SignIn, owner: User, talk: Conversation) -> None:
    client, url = sign_in(owner), reverse("chat:rename", args=[talk.pk])
    response = client.post(url, {"title": " Old   towers "}, headers=HTMX)
    assert response.status_code == 204
    assert '"title": "Old towers"' in response.headers["HX-Trigger"]
    assert "chat-list" in response.headers["HX-Trigger"]
    talk.refresh_from_db()
    assert (talk.title, talk.titled_by_hand) == ("Old towers", True)
    assert client.post(url, {"title": "Again"}).headers["Location"] == reverse("chat:show", args=[talk.pk])


def test_an_empty_title_is_refused_at_its_field(sign_in: SignIn, owner: User, talk: Conversation) -> None:
    response = sign_in(owner).post(reverse("chat:rename", args=[talk.pk]), {"title": "  "}, headers=HTMX)
    assert response.status_code == 422
    assert "Give the chat a title." in response.content.decode()
    talk.refresh_from_db()
    assert talk.title == "Lighthouses"


def test_pin_goes_in_and_out(sign_in: SignIn, owner: User, talk: Conversation) -> None:
    client, url = sign_in(owner), reverse("chat:pin", args=[talk.pk])
    assert client.post(url, headers=HTMX).status_code == 204
    assert "Pinned" in client.get(reverse("chat:list")).content.decode()
    client.post(url, headers=HTMX)
    assert "Pinned" not in client.get(reverse("chat:list")).content.decode()


def test_delete_asks_first_and_then_leaves_the_open_chat(
    sign_in: SignIn, owner: User, talk: Conversation
) -> None:
    client, url = sign_in(owner), reverse("chat:delete", args=[talk.pk])
    assert "Delete this chat?" in client.get(url).content.decode()
    assert Conversation.objects.exists()
    response = client.post(url, {"current": str(talk.pk)}, headers=HTMX)
    assert response.headers["HX-Redirect"] == reverse("chat:new")
    assert not Conversation.objects.exists()


def test_delete_from_the_list_stays_on_the_open_chat(
    sign_in: SignIn, owner: User, talk: Conversation
) -> None:
    url = reverse("chat:delete", args=[talk.pk])
    response = sign_in(owner).post(url, {"current": str(uuid.uuid4())}, headers=HTMX)
    assert response.status_code == 204
    assert "HX-Redirect" not in response.headers


def test_a_draft_is_there_again_with_its_images(sign_in: SignIn, owner: User, talk: Conversation) -> None:
    client = sign_in(owner)
    client.post(reverse("chat:upload"), {"file": picture(), "conversation": str(talk.pk)})
    image = str(Attachment.objects.get().pk)
    data = {"text": "half a <thought>", "image": [image, "https://example.com/a.png"], "alt": ["sky", ""]}
    assert client.post(reverse("chat:draft", args=[talk.pk]), data).status_code == 204
    page = client.get(reverse("chat:show", args=[talk.pk])).content.decode()
    assert "half a &lt;thought&gt;</textarea>" in page
    assert reverse("chat:attachment", args=[image]) in page
    assert 'value="https://example.com/a.png"' in page
    assert 'value="sky"' in page


def test_the_draft_of_a_new_chat_waits_in_the_next_new_chat(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    client = sign_in(owner)
    client.post(reverse("chat:draft", args=[uuid.uuid4()]), {"text": "not sent yet"})
    assert "not sent yet</textarea>" in client.get(reverse("chat:new")).content.decode()


def test_a_late_draft_does_not_bring_back_what_was_sent(
    sign_in: SignIn, owner: User, talk: Conversation, chosen: dict[str, Any]
) -> None:
    run = turns.ask(talk, owner, turn_id=uuid.uuid4(), text="Sent", images=[], settings=chosen)
    url = reverse("chat:draft", args=[talk.pk])
    assert sign_in(owner).post(url, {"text": "Sent", "turn_id": str(run.asked_id)}).status_code == 204
    assert not Draft.objects.exists()


def test_a_refused_question_leaves_its_draft(sign_in: SignIn, owner: User, talk: Conversation) -> None:
    client = sign_in(owner)
    client.post(reverse("chat:draft", args=[talk.pk]), {"text": "kept"})
    data = {"text": "kept", "model": "", "turn_id": str(uuid.uuid4())}
    assert client.post(reverse("chat:ask", args=[talk.pk]), data, headers=HTMX).status_code == 422
    assert Draft.objects.get().text == "kept"


def test_settings_are_kept_as_they_change_with_errors_at_their_field(
    sign_in: SignIn, owner: User, talk: Conversation, key: GatewayKey
) -> None:
    data = {"model": "m-2", "key": str(key.pk), "on-top_p": "on", "p-top_p": "7", "system": "Short."}
    html = sign_in(owner).post(reverse("chat:settings", args=[talk.pk]), data).content.decode()
    assert "Top P must be between 0 and 1." in html
    talk.refresh_from_db()
    assert talk.settings["model"] == "m-2"
    assert talk.settings["system"] == "Short."
    assert talk.settings["params"]["top_p"] == {"on": True, "value": "7"}


def test_settings_of_a_new_chat_are_kept_too(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    client = sign_in(owner)
    data = {"model": "m-9", "key": str(key.pk), "stream": "on"}
    client.post(reverse("chat:settings", args=[uuid.uuid4()]), data)
    assert 'name="model" value="m-9"' in client.get(reverse("chat:new")).content.decode()


def test_an_uploaded_image_comes_back_as_a_chip_and_is_served_safely(
    sign_in: SignIn, owner: User, team: Team
) -> None:
    client = sign_in(owner)
    response = client.post(reverse("chat:upload"), {"file": picture()})
    row = Attachment.objects.get()
    assert row.team == team
    assert f'name="image" value="{row.pk}"' in response.content.decode()
    served = client.get(reverse("chat:attachment", args=[row.pk]))
    assert served.content.startswith(b"\x89PNG")
    assert served.headers["Content-Type"] == "image/png"
    assert served.headers["Content-Disposition"] == "inline"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "private" in served.headers["Cache-Control"]
    assert "immutable" in served.headers["Cache-Control"]


def test_what_is_no_image_type_is_only_downloaded(sign_in: SignIn, owner: User, team: Team) -> None:
    file = SimpleUploadedFile("a.svg", b"<svg/>")
    row = Attachment.objects.create(team=team, sha256="0" * 64, media_type="image/svg+xml", size=6, file=file)
    served = sign_in(owner).get(reverse("chat:attachment", args=[row.pk]))
    assert served.headers["Content-Type"] == "application/octet-stream"
    assert served.headers["Content-Disposition"] == "attachment"


def test_a_lost_file_is_said_to_be_gone(sign_in: SignIn, owner: User, team: Team) -> None:
    row = Attachment.objects.create(
        team=team, sha256="1" * 64, media_type="image/png", size=6, file="gone.png"
    )
    assert sign_in(owner).get(reverse("chat:attachment", args=[row.pk])).status_code == 410


def test_files_of_a_team_are_hidden_from_strangers(
    sign_in: SignIn, owner: User, stranger: User, viewer: User
) -> None:
    sign_in(owner).post(reverse("chat:upload"), {"file": picture()})
    url = reverse("chat:attachment", args=[Attachment.objects.get().pk])
    assert sign_in(viewer).get(url).status_code == 200
    assert sign_in(stranger).get(url).status_code == 404


def test_a_viewer_uploads_nothing(sign_in: SignIn, viewer: User) -> None:
    assert sign_in(viewer).post(reverse("chat:upload"), {"file": picture()}).status_code == 403
    assert not Attachment.objects.exists()


@pytest.mark.parametrize(
    "data",
    [
        {"file": SimpleUploadedFile("cat.png", b"<html>not a cat</html>", content_type="image/png")},
        {"url": "http://example.com/cat.png"},
        {"url": ""},
    ],
)
def test_what_is_refused_as_an_image_says_why(sign_in: SignIn, owner: User, data: dict[str, Any]) -> None:
    response = sign_in(owner).post(reverse("chat:upload"), data)
    assert response.status_code == 422
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.content.decode().endswith(".")


def test_an_image_without_script_goes_with_the_question(
    sign_in: SignIn, owner: User, talk: Conversation, chosen: dict[str, Any]
) -> None:
    data = {name: chosen[name] for name in ("family", "model", "key", "system")} | {
        "text": "",
        "files": [picture()],
    }
    assert sign_in(owner).post(reverse("chat:ask", args=[talk.pk]), data).status_code == 302
    asked = Turn.objects.get(role="user")
    assert [part["attachment"] for part in asked.parts] == [str(Attachment.objects.get().pk)]
