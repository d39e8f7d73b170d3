"""The studio's pages and what they do, for everybody of the cast."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.gateway.media.registry import OPERATIONS
from playground.media import cards, forms
from playground.media.models import Asset, MediaTask, Status, Upload
from tests.media.conftest import Bench, Place, fresh
from tests.media.upstream import Upstream, png

SignIn = Callable[[User], Client]
FORM = {"operation": "kling.text2video", "p-model": "kling-v3", "p-prompt": "a boat", "p-mode": "std"}
HTMX = {"HX-Request": "true"}


def sent(key: GatewayKey, **more: Any) -> dict[str, Any]:
    return FORM | {"key": str(key.pk), "form_id": str(uuid.uuid4())} | more


@pytest.mark.parametrize("tab", ["image", "video", "music", "audio"])
def test_every_medium_has_its_page(sign_in: SignIn, owner: User, key: GatewayKey, tab: str) -> None:
    page = sign_in(owner).get(f"/studio/{tab}/")
    assert page.status_code == 200
    assert b'id="generate"' in page.content


def test_another_medium_is_not_there(sign_in: SignIn, owner: User) -> None:
    assert sign_in(owner).get("/studio/smell/").status_code == 404


@pytest.mark.parametrize("operation", list(OPERATIONS.values()), ids=list(OPERATIONS))
def test_every_operation_has_a_form_with_all_its_fields(
    sign_in: SignIn, owner: User, key: GatewayKey, operation: Any
) -> None:
    tab = "audio" if operation.medium in ("speech", "text") else operation.medium
    page = sign_in(owner).get(f"/studio/{tab}/?operation={operation.key}").content.decode()
    for spec in operation.fields:
        assert f'name="p-{spec.name}"' in page
    for row in operation.files:
        assert f'name="file-{row.name}"' in page


def test_a_form_without_script_leads_to_its_task(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    response = sign_in(owner).post("/studio/make", sent(key))
    task = MediaTask.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, f"/studio/task/{task.pk}/")
    assert task.inputs["values"] == {"model": "kling-v3", "prompt": "a boat", "mode": "std"}


def test_a_double_click_makes_one_task(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    client, form = sign_in(owner), sent(key)
    cards = [client.post("/studio/make", form, headers=HTMX).content.decode() for _ in range(2)]
    task = MediaTask.objects.get()
    assert all(f"task-{task.pk}" in card for card in cards)


def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    form = sent(key, **{"p-duration": "99", "p-prompt": "a very special boat", "extra": "{"})
    page = sign_in(owner).post("/studio/make", form)
    text = page.content.decode()
    assert page.status_code == 422
    assert "a very special boat" in text
    assert "must be one JSON object" in text
    again = sign_in(owner).post("/studio/make", form | {"extra": ""}, headers=HTMX)
    assert again.headers["HX-Retarget"] == "#studio-form"
    assert "Duration must be between 3 and 15" in again.content.decode()
    assert not MediaTask.objects.exists()


def test_extra_fields_are_merged_last(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    sign_in(owner).post("/studio/make", sent(key, extra='{"odd": 1}'))
    assert MediaTask.objects.get().inputs["extra"] == {"odd": 1}


def test_a_viewer_looks_and_makes_nothing(
    sign_in: SignIn, viewer: User, key: GatewayKey, place: Place
) -> None:
    task = place("a shared boat")
    client = sign_in(viewer)
    assert b"a shared boat" in client.get("/studio/video/").content
    assert client.get(f"/studio/task/{task.pk}/").status_code == 200
    for path in ("make", "preview", "upload"):
        assert client.post(f"/studio/{path}", sent(key)).status_code == 403


def test_a_stranger_sees_nothing(sign_in: SignIn, stranger: User, place: Place) -> None:
    task = place("a secret boat")
    client = sign_in(stranger)
    assert b"a secret boat" not in client.get("/studio/video/").content
    assert client.get(f"/studio/task/{task.pk}/").status_code == 404
    assert client.get(f"/studio/video/?reuse={task.pk}").status_code == 404


def test_a_mate_reuses_but_does_not_change(sign_in: SignIn, mate: User, place: Place) -> None:
    task = place("a boat of somebody else")
    client = sign_in(mate)
    page = client.get(f"/studio/video/?operation=dashscope.video&reuse={task.pk}").content
    assert b"a boat of somebody else" in page
    for act in ("stop", "check", "delete", "again", "favourite"):
        assert client.post(f"/studio/task/{task.pk}/{act}").status_code == 403


def test_the_preview_is_the_request_and_keeps_the_draft(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    client = sign_in(owner)
    told = client.post("/studio/preview", sent(key, **{"p-prompt": "a kept boat", "extra": '{"odd": 1}'}))
    assert "/transtreams/kling/v1/videos/text2video" in told.content.decode()
    assert "a kept boat" in told.content.decode()
    assert "&quot;odd&quot;: 1" in told.content.decode()
    assert b"a kept boat" in client.get("/studio/video/?operation=kling.text2video").content
    assert b"a kept boat" not in client.get("/studio/video/?operation=kling.text2video&fresh=1").content


def test_a_file_is_stored_at_once_and_offered_again(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    client = sign_in(owner)
    form = {"operation": "kling.image2video", "field": "image"}
    given = SimpleUploadedFile("boat.png", png(400, 400), "image/png")
    chip = client.post("/studio/upload", form | {"file-image": given}).content.decode()
    upload = Upload.objects.get()
    assert f'value="upload:{upload.pk}"' in chip
    assert "boat.png" in client.get("/studio/files?kind=image&field=image").content.decode()
    chosen = client.get(f"/studio/files?field=image&ref=upload:{upload.pk}").content.decode()
    assert f'value="upload:{upload.pk}"' in chosen


def test_a_file_that_is_none_is_refused_at_its_field(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    given = SimpleUploadedFile("boat.png", b"<html>", "image/png")
    form = {"operation": "kling.image2video", "field": "image", "file-image": given}
    response = sign_in(owner).post("/studio/upload", form)
    assert response.status_code == 422
    assert response.headers["HX-Retarget"] == "#error-file-image"
    assert b"cannot be used here" in response.content


def test_files_of_another_team_are_not_offered(
    sign_in: SignIn, owner: User, stranger: User, key: GatewayKey
) -> None:
    theirs = Upload.objects.create(
        team=stranger.personal_team,
        sha256="1" * 64,
        kind="image",
        media_type="image/png",
        size=1,
        name="theirs.png",
        file="x.png",
    )
    client = sign_in(owner)
    assert b"theirs.png" not in client.get("/studio/files?kind=image&field=image").content
    assert b"theirs.png" not in client.get(f"/studio/files?field=image&ref=upload:{theirs.pk}").content


def test_a_ready_task_shows_its_file_facts_and_timeline(
    sign_in: SignIn, owner: User, place: Place, bench: Bench, upstream: Upstream
) -> None:
    task = place("a boat on a lake")
    bench.run()
    upstream.finish()
    bench.again(2)
    asset = Asset.objects.get()
    page = sign_in(owner).get(f"/studio/task/{task.pk}/").content.decode()
    for told in (f"/media/asset/{asset.pk}", asset.sha256[:16], "File kept", "$ANYINT_API_KEY", "up-1"):
        assert told in page
    assert "sk-upstream-1" not in page


def test_watching_is_stopped_and_taken_up_again(
    sign_in: SignIn, owner: User, place: Place, bench: Bench
) -> None:
    task = place("a boat")
    bench.run()
    client = sign_in(owner)
    client.post(f"/studio/task/{task.pk}/stop")
    assert fresh(task).watching is False
    assert b"may still finish and charge" in client.get(f"/studio/task/{task.pk}/").content
    client.post(f"/studio/task/{task.pk}/check")
    assert fresh(task).watching is True


def test_an_unknown_outcome_is_made_anew_only_by_somebody_who_was_warned(
    sign_in: SignIn, owner: User, place: Place, bench: Bench, upstream: Upstream
) -> None:
    task = place("cut this")
    bench.run()
    assert fresh(task).status == "unconfirmed"
    client = sign_in(owner)
    page = client.get(f"/studio/task/{task.pk}/").content.decode()
    assert "Outcome unknown" in page
    assert "may be charged twice" in page
    client.post(f"/studio/task/{task.pk}/again", {"form_id": str(uuid.uuid4())})
    assert MediaTask.objects.count() == 1
    client.post(f"/studio/task/{task.pk}/again", {"form_id": str(uuid.uuid4()), "sure": "on"})
    assert MediaTask.objects.exclude(pk=task.pk).get().retry_of == task


def test_a_favourite_is_found_among_the_others(sign_in: SignIn, owner: User, place: Place) -> None:
    place("a plain boat")
    liked = place("a fine boat")
    client = sign_in(owner)
    client.post(f"/studio/task/{liked.pk}/favourite")
    page = client.get("/studio/video/?favourite=1").content
    assert b"a fine boat" in page
    assert b"a plain boat" not in page


def test_the_feed_is_searched(sign_in: SignIn, owner: User, place: Place) -> None:
    place("a red lighthouse")
    place("a green meadow")
    page = sign_in(owner).get("/studio/video/?q=lighthouse").content
    assert b"a red lighthouse" in page
    assert b"a green meadow" not in page


def test_a_task_is_deleted_with_its_page(sign_in: SignIn, owner: User, place: Place) -> None:
    task = place("a boat")
    client = sign_in(owner)
    assert client.post(f"/studio/task/{task.pk}/delete").headers["Location"] == "/studio/video/"
    assert client.get(f"/studio/task/{task.pk}/").status_code == 404


def test_a_song_page_offers_what_comes_next_with_its_ids_filled_in(
    sign_in: SignIn, owner: User, team: Team, key: GatewayKey
) -> None:
    task = song(owner, team, key)
    client = sign_in(owner)
    page = client.get(f"/studio/task/{task.pk}/").content.decode()
    assert "operation=suno.extend&amp;after=" in page
    form = client.get(
        f"/studio/music/?operation=suno.wav-generate&after={task.pk}&output=audio:1"
    ).content.decode()
    assert 'value="up-song"' in form
    assert 'value="track-1"' in form


def test_the_words_of_a_song_stand_in_time_beside_its_track(
    sign_in: SignIn, owner: User, team: Team, key: GatewayKey
) -> None:
    task = song(owner, team, key)
    lyrics = song(owner, team, key, source=task, source_output="audio:1", upstream_id="up-lyrics")
    words = [
        {"word": "[Verse]\nOh,", "start_s": 1.5, "end_s": 2.0},
        {"word": "rain", "start_s": 2, "end_s": 3},
    ]
    told = {"text": json.dumps({"words": words}), "status": "kept", "kept_at": timezone.now()}
    Asset.objects.create(task=lyrics, kind="data", key="data:lyrics", ordinal=5, **told)
    page = sign_in(owner).get(f"/studio/task/{task.pk}/").content.decode()
    assert 'data-start="1.50" data-end="2.00">Oh,<' in page
    assert "[Verse]</span>" in page


def song(owner: User, team: Team, key: GatewayKey, **more: Any) -> MediaTask:
    told = {"operation": "suno.generate", "family": "suno", "medium": "music", "upstream_id": "up-song"}
    ended = {"status": "succeeded", "ended_at": timezone.now()}
    task = MediaTask.objects.create(team=team, user=owner, key=key, **(told | ended | more))
    Asset.objects.create(
        task=task,
        kind="audio",
        key="audio:1",
        ordinal=0,
        meta={"id": "track-1", "title": "Rain"},
        status="kept",
        kept_at=timezone.now(),
        file="song.mp3",
        waveform=[0.1, 0.9],
    )
    return task


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"status": "new"}, "Waiting to be sent"),
        ({"status": "submitting"}, "Sent to the gateway"),
        ({"status": "waiting"}, "Being made"),
        ({"status": "waiting", "stage": "lyrics ready"}, "lyrics ready"),
        ({"status": "waiting", "watching": False}, "Not watched"),
        ({"status": "waiting", "held_at": timezone.now()}, "Paused"),
        ({"status": "collecting"}, "Saving your copy"),
        ({"status": "succeeded"}, "Ready"),
        ({"status": "failed", "error_code": "not_kept"}, "Ready, copy failed"),
        ({"status": "failed", "error_kind": "quota"}, "Balance or quota used up"),
        ({"status": "unconfirmed"}, "Outcome unknown"),
        ({"status": "expired"}, "No end was told"),
        ({"status": "cancelled"}, "Taken back"),
    ],
)
def test_every_state_has_its_words(fields: dict[str, Any], word: str) -> None:
    assert cards.state_of(MediaTask(**fields), []).word == word


def test_a_failed_copy_of_a_ready_task_is_told() -> None:
    lost = Asset(status=Asset.Status.FAILED, error="The link is dead.")
    state = cards.state_of(MediaTask(status=Status.SUCCEEDED), [lost])
    assert (state.word, state.hint) == ("Ready, copy failed", "The link is dead.")


@pytest.mark.parametrize("value", [True, 3, 2.5, 4.0, "text", ["one", "two\nlines"], {"a": [1]}])
def test_what_a_control_shows_is_read_back_as_it_was(value: Any) -> None:
    kinds = {bool: "bool", int: "int", float: "float", str: "text", list: "list", dict: "json"}
    from playground.gateway.params import ParamSpec

    spec = ParamSpec("x", kinds[type(value)], "X", "")  # type: ignore[arg-type] # one of the kinds
    assert spec.clean(forms.shown(value)) == value
