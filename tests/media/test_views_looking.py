"""What stands beside the feed: a task's pane, the models of a key, words in time, and two takes compared."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.gateway.media.registry import OPERATIONS
from playground.media import cards, compare, offers
from playground.media.models import Asset, MediaTask
from playground.ops.models import ModelEntry
from tests.media.conftest import Bench, Place

SignIn = Callable[[User], Client]
PANE = {"HX-Request": "true", "HX-Target": "detail"}


def sees(key: GatewayKey, *models: str) -> None:
    """The key's list, asked for already."""
    GatewayKey.objects.filter(pk=key.pk).update(tested_at=timezone.now())
    rows = [ModelEntry(key=key, family="anthropic", model_id=model, name=model) for model in models]
    ModelEntry.objects.bulk_create(rows)


@pytest.mark.parametrize(
    ("operation", "listed", "model"),
    [
        ("gemini.image", [], "gemini-3-flash-preview"),
        ("gemini.image", ["gpt-5", "gemini-3-flash-preview"], "gemini-3-flash-preview"),
        ("gemini.image", ["demo-chat", "demo-video", "demo-image"], "demo-image"),
        ("gemini.image", ["gemini-2.5-flash", "gemini-2.5-flash-image"], "gemini-2.5-flash-image"),
        ("kling.text2video", ["gemini-3-flash-preview", "sora-2"], "kling-v3"),
        ("kling.text2video", ["kling-v2-video"], "kling-v2-video"),
        ("openai.speech", ["gemini-3-flash-preview", "cosy-tts"], "cosy-tts"),
        ("openai.transcription", ["demo-speech", "demo-transcribe"], "demo-transcribe"),
        ("openai.embeddings", ["demo-image", "demo-embedding"], "demo-embedding"),
    ],
)
def test_a_form_begins_with_a_model_that_the_key_can_see(
    operation: str, listed: list[str], model: str
) -> None:
    assert offers.first(OPERATIONS[operation], listed) == model


def test_the_form_offers_the_models_of_its_key(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    sees(key, "demo-chat", "demo-image")
    page = sign_in(owner).get("/studio/image/?operation=gemini.image").content.decode()
    assert 'name="p-model" value="demo-image"' in page
    assert '<option value="demo-chat">' not in page


def test_another_key_changes_what_was_offered_and_leaves_what_was_typed(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    sees(key, "demo-image")
    client, form = sign_in(owner), {"operation": "gemini.image", "key": str(key.pk)}
    usual = client.post("/studio/model", form | {"p-model": "gemini-3-flash-preview"}).content.decode()
    typed = client.post("/studio/model", form | {"p-model": "my-own-model"}).content.decode()
    assert 'value="demo-image"' in usual
    assert 'name="p-model" value="my-own-model"' in typed


def test_models_are_searched_the_fitting_ones_first(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    sees(key, "demo-chat", "demo-image", "other")
    address = f"/studio/models?operation=gemini.image&key={key.pk}"
    client = sign_in(owner)
    page = client.get(address).content.decode()
    assert page.index('data-model="demo-image"') < page.index('data-model="demo-chat"')
    found = client.get(address + "&q=chat").content.decode()
    assert 'data-model="demo-chat"' in found
    assert 'data-model="demo-image"' not in found
    assert 'data-model="my/typed"' in client.get(address + "&q=my/typed").content.decode()


def test_models_of_a_key_of_others_are_not_told(
    sign_in: SignIn, owner: User, stranger: User, key: GatewayKey
) -> None:
    sees(key, "very-secret-image")
    for path in ("/studio/models?operation=gemini.image&key=", "/studio/image/?key="):
        assert b"very-secret-image" not in sign_in(stranger).get(f"{path}{key.pk}").content
    form = {"operation": "gemini.image", "key": str(key.pk)}
    assert b"very-secret-image" not in sign_in(stranger).post("/studio/model", form).content


def test_a_task_is_shown_beside_the_feed(sign_in: SignIn, owner: User, stranger: User, place: Place) -> None:
    task = place("a boat on the side")
    client = sign_in(owner)
    pane = client.get(f"/studio/video/?task={task.pk}", headers=PANE).content.decode()
    assert pane.lstrip().startswith("<header")
    assert f'id="whole-{task.pk}"' in pane
    assert f'id="whole-{task.pk}"' in client.get(f"/studio/video/?task={task.pk}").content.decode()
    for headers in ({}, PANE):
        assert sign_in(stranger).get(f"/studio/video/?task={task.pk}", headers=headers).status_code == 404


def test_what_is_done_in_the_pane_comes_back_as_the_pane(
    sign_in: SignIn, owner: User, place: Place, bench: Bench
) -> None:
    task = place("a boat")
    bench.run()
    done = sign_in(owner).post(f"/studio/task/{task.pk}/stop", {"whole": "1"}, headers=PANE).content.decode()
    assert f'id="whole-{task.pk}"' in done
    assert "Not watched" in done


def test_what_failed_is_tried_anew_from_its_card_and_shown_beside_the_feed(
    sign_in: SignIn, owner: User, place: Place
) -> None:
    task = place("a boat")
    MediaTask.objects.filter(pk=task.pk).update(status="failed", ended_at=timezone.now())
    client = sign_in(owner)
    card = client.get(f"/studio/task/{task.pk}/card").content.decode()
    form_id = card.partition('name="form_id" value="')[2].partition('"')[0]
    form = {"form_id": form_id, "beside": "1"}
    ends = {client.post(f"/studio/task/{task.pk}/again", form).headers["Location"] for _ in range(2)}
    made = MediaTask.objects.get(retry_of=task)
    assert ends == {f"/studio/video/?task={made.pk}"}


def test_what_is_made_of_a_result_is_called_after_it(place: Place) -> None:
    song = place("a song of rain")
    made = place(
        "",
        operation="suno.wav-generate",
        values={"taskId": "t-12345", "audioId": "a-12345"},
        source=song,
    )
    assert made.title == song.title == "a song of rain"
    assert "12345" not in made.text


def kept(task: MediaTask, key: str, **more: Any) -> Asset:
    told = {"status": "kept", "kept_at": timezone.now(), "kind": "audio", "ordinal": 0, "file": "song.mp3"}
    return Asset.objects.create(task=task, key=key, **(told | more))


def test_the_words_of_a_track_come_alone(sign_in: SignIn, owner: User, stranger: User, place: Place) -> None:
    song = place("a song")
    track = kept(song, "audio:1")
    lyrics = place("its lyrics", source=song, source_output="audio:1")
    text = json.dumps({"words": [{"word": "Rain", "start_s": 1, "end_s": 2}]})
    kept(lyrics, "data:lyrics", kind="data", text=text, file="")
    page = sign_in(owner).get(f"/media/asset/{track.pk}/lyrics").content.decode()
    assert f'data-words="{track.pk}"' in page
    assert 'data-start="1.00"' in page
    assert sign_in(stranger).get(f"/media/asset/{track.pk}/lyrics").status_code == 404


def test_two_tasks_are_compared_by_what_differs(
    sign_in: SignIn, owner: User, stranger: User, place: Place
) -> None:
    left, right = place("a red boat"), place("a green boat")
    client = sign_in(owner)
    assert f"b={right.pk}" not in client.get(f"/studio/compare/?a={left.pk}").content.decode()
    MediaTask.objects.filter(pk=right.pk).update(status="succeeded", ended_at=timezone.now())
    assert f"b={right.pk}" in client.get(f"/studio/compare/?a={left.pk}").content.decode()
    page = client.get(f"/studio/compare/?a={left.pk}&b={right.pk}").content.decode()
    rows = page.split("<tr")[2:]
    assert ["data-differs" in row for row in rows] == [True] + [False] * (len(rows) - 1)
    assert "a red boat" in rows[0]
    assert "a green boat" in rows[0]
    for query in (f"a={left.pk}", f"a={left.pk}&b={right.pk}", f"a={uuid.uuid4()}", "a=none", ""):
        assert sign_in(stranger).get(f"/studio/compare/?{query}").status_code == 404


def test_two_takes_of_one_task_are_offered_to_compare(sign_in: SignIn, owner: User, place: Place) -> None:
    song = place("a song")
    kept(song, "audio:1", meta={"title": "First"})
    kept(song, "audio:2", meta={"title": "Second"}, ordinal=1)
    choice = sign_in(owner).get(f"/studio/compare/?a={song.pk}&a_output=audio:1").content.decode()
    assert "b_output=audio%3A2" in choice
    page = sign_in(owner).get(f"/studio/compare/?a={song.pk}&a_output=audio:1&b={song.pk}&b_output=audio:2")
    assert b"None differs" in page.content


def test_a_setting_that_one_side_did_not_send_differs(owner: User, team: Team) -> None:
    def card(values: dict[str, Any]) -> cards.Card:
        task = MediaTask(operation="kling.text2video", medium="video", inputs={"values": values})
        return cards.Card.of(task, [], may=False)

    rows = compare.settings_of(card({"prompt": "a", "duration": 5}), card({"prompt": "a"}))
    assert [(row.label, row.left, row.right) for row in rows if row.differs] == [("Duration", "5", "")]
