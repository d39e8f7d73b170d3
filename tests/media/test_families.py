"""Routes of other shapes: answers that hold the picture, files behind the key, songs that come in stages."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.core.files.storage import default_storage

from accounts.models import User
from playground.media import followups, parts
from playground.media.models import Asset, MediaTask
from tests.media.conftest import Bench, Place, fresh
from tests.media.upstream import Upstream, mp4, png

pytestmark = pytest.mark.django_db
IMAGES = "/openai/v1/images/generations"
VIDEOS = "/openai/v1/videos"
SUNO_STATE = "/suno/query/task"


def read(asset: Asset) -> bytes:
    with default_storage.open(asset.file.name or "") as file:
        content: bytes = file.read()
    return content


def image(place: Place) -> MediaTask:
    return place(operation="openai.images", values={"model": "gpt-image", "prompt": "a boat"})


def test_pictures_inside_an_answer_are_kept(place: Place, bench: Bench, upstream: Upstream) -> None:
    data = [{"b64_json": base64.b64encode(png(colour=colour)).decode()} for colour in (b"\1\2\3", b"\4\5\6")]
    upstream.say(IMAGES, {"created": 1, "data": data})
    task = image(place)
    bench.run(2)
    assert fresh(task).status == "succeeded"
    kept = list(task.assets.order_by("ordinal"))
    assert [read(asset) for asset in kept] == [png(colour=b"\1\2\3"), png(colour=b"\4\5\6")]
    assert all(asset.thumbnail and asset.width == 2 for asset in kept)
    assert list(parts.folder().iterdir()) == []
    assert "b64_json" not in str(fresh(task).outputs)


def test_an_answer_without_a_picture_is_a_failed_task(place: Place, bench: Bench, upstream: Upstream) -> None:
    upstream.say(IMAGES, {"created": 1, "data": []})
    task = image(place)
    bench.run(2)
    assert (fresh(task).status, fresh(task).error_code) == ("failed", "no_output")


def test_numbers_and_words_are_kept_as_text(place: Place, bench: Bench, upstream: Upstream) -> None:
    upstream.say("/openai/v1/embeddings", {"data": [{"index": 0, "embedding": [0.5, 0.25]}], "model": "e"})
    task = place(operation="openai.embeddings", values={"model": "e", "input": "a boat"})
    bench.run(2)
    assert fresh(task).status == "succeeded"
    assert "0.25" in task.assets.get().text


@pytest.fixture
def film(place: Place, bench: Bench, upstream: Upstream) -> MediaTask:
    """A video that is done, and whose bytes are a route of the gateway."""
    upstream.say(VIDEOS, {"id": "video_1", "object": "video", "status": "queued"})
    done = {"id": "video_1", "object": "video", "status": "completed", "progress": 100}
    upstream.say(f"{VIDEOS}/video_1", done)
    task = place(operation="openai.videos", values={"model": "kling-3.0", "prompt": "a boat"})
    bench.run()
    bench.again()
    assert fresh(task).status == "collecting"
    return task


def test_a_file_behind_the_key_is_fetched_with_the_key(
    film: MediaTask, bench: Bench, upstream: Upstream
) -> None:
    upstream.replies[f"{VIDEOS}/video_1/content"] = (200, mp4(100), {"Content-Type": "video/mp4"})
    bench.again()
    assert fresh(film).status == "succeeded"
    assert read(film.assets.get()) == mp4(100)
    assert upstream.heard[-1][1]["authorization"] == "Bearer sk-upstream-1"


def test_the_key_does_not_follow_a_redirect(film: MediaTask, bench: Bench, upstream: Upstream) -> None:
    location = upstream.put("stored.mp4", mp4(100))
    upstream.replies[f"{VIDEOS}/video_1/content"] = (302, b"", {"Location": location})
    bench.again()
    assert fresh(film).status == "succeeded"
    name, headers = upstream.fetched[-1]
    assert name == "stored.mp4"
    assert "authorization" not in headers


def test_a_redirect_into_this_network_is_not_followed(
    film: MediaTask, bench: Bench, upstream: Upstream
) -> None:
    target = {"Location": "http://169.254.169.254/latest/meta-data"}
    upstream.replies[f"{VIDEOS}/video_1/content"] = (302, b"", target)
    bench.again()
    assert (fresh(film).status, fresh(film).error_code) == ("failed", "not_kept")


def song(state: str, *tracks: dict[str, Any]) -> dict[str, Any]:
    data = {"taskId": "song-1", "status": state, "response": {"sunoData": list(tracks)}}
    return {"code": 200, "msg": "success", "data": data}


def track(number: int, *, url: str = "") -> dict[str, Any]:
    stream = f"https://stream.example.com/{number}"
    return {"id": f"track-{number}", "title": "Harbour", "duration": 90.5, "prompt": "la la"} | {
        "audioUrl": url,
        "streamAudioUrl": stream,
    }


@pytest.fixture
def singing(place: Place, bench: Bench, upstream: Upstream) -> MediaTask:
    upstream.say("/suno/generate", {"code": 200, "msg": "success", "data": {"taskId": "song-1"}})
    values = {"customMode": False, "instrumental": False, "model": "V4_5", "prompt": "a shanty"}
    task = place(operation="suno.generate", values=values)
    bench.run()
    return task


def say_state(upstream: Upstream, body: dict[str, Any]) -> None:
    upstream.say(f"{SUNO_STATE}?taskId=song-1", body)


def test_a_songs_first_track_is_kept_while_the_second_is_made(
    singing: MediaTask, bench: Bench, upstream: Upstream
) -> None:
    first = upstream.put("1.mp3", b"ID3\x04" + bytes(500))
    second = upstream.put("2.mp3", b"ID3\x04" + bytes(600))
    say_state(upstream, song("TEXT_SUCCESS", track(1), track(2)))
    bench.again()
    told = fresh(singing)
    assert told.status == "waiting"
    assert told.outputs
    assert not told.assets.filter(kind="audio").exists()
    say_state(upstream, song("FIRST_SUCCESS", track(1, url=first), track(2)))
    bench.again(2)
    assert fresh(singing).status == "waiting"
    assert singing.assets.get(kind="audio").status == "kept"
    say_state(upstream, song("SUCCESS", track(1, url=first), track(2, url=second)))
    bench.again(2)
    done = fresh(singing)
    assert done.status == "succeeded"
    tracks = list(singing.assets.filter(kind="audio").order_by("ordinal"))
    assert [asset.meta["id"] for asset in tracks] == ["track-1", "track-2"]
    assert {asset.duration_s for asset in tracks} == {90.5}


def test_what_is_done_with_a_track_names_it_upstream(
    singing: MediaTask, bench: Bench, upstream: Upstream, place: Place
) -> None:
    url = upstream.put("1.mp3", b"ID3\x04" + bytes(500))
    say_state(upstream, song("SUCCESS", track(1, url=url)))
    bench.again(2)
    kept = singing.assets.get(kind="audio")
    next_ = place(operation="suno.wav-generate", values={}, source=fresh(singing), source_output=kept.key)
    assert next_.inputs["values"] == {"taskId": "song-1", "audioId": "track-1"}
    assert next_.source_id == singing.pk


def test_deleting_a_song_leaves_what_was_made_of_it(
    singing: MediaTask, place: Place, owner: User, bench: Bench
) -> None:
    child = place(retry_of=fresh(singing))
    followups.delete([singing], owner)
    assert fresh(child).retry_of_id is None
