"""Kept files over HTTP: ranges, headers, who gets them; and files that people give."""

from __future__ import annotations

import io
import uuid
import wave
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient, Client
from PIL import Image

from accounts.models import Team, User
from playground.gateway.errors import GatewayError
from playground.media import catalogue, orders, probes, requests, signing, sniff, uploads
from playground.media.models import Asset, MediaTask, Upload
from tests.media.conftest import Bench, Place
from tests.media.upstream import Upstream, mp4, png

pytestmark = pytest.mark.django_db


def picture(form: str = "PNG", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#2060a0").save(out, form, **options)
    return out.getvalue()


def sound(seconds: float = 1.0) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        half = int(4000 * seconds)
        file.writeframes(bytes(2 * half) + b"\xff\x7f" * half)
    return out.getvalue()


@pytest.fixture
def video(place: Place, bench: Bench, upstream: Upstream) -> Asset:
    place("a boat")
    bench.run()
    upstream.finish()
    bench.again(2)
    return Asset.objects.get(status="kept")


Get = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture
def get(owner: User) -> Get:
    """GET as the person, with the whole body."""

    def ask(path: str, who: User | None = owner, **headers: str) -> tuple[int, dict[str, str], bytes]:
        client = AsyncClient()
        if who is not None:
            client.force_login(who)

        async def fetch() -> tuple[int, dict[str, str], bytes]:
            response = await client.get(path, headers=headers)
            if not response.streaming:
                return response.status_code, dict(response.headers), response.content
            body = b"".join([part async for part in response.streaming_content])
            return response.status_code, dict(response.headers), body

        return async_to_sync(fetch)()

    return ask


WHOLE = mp4(2000)


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("", 200, 0, len(WHOLE) - 1),
        ("bytes=0-", 206, 0, len(WHOLE) - 1),
        ("bytes=10-19", 206, 10, 19),
        ("bytes=10-99999", 206, 10, len(WHOLE) - 1),
        ("bytes=-20", 206, len(WHOLE) - 20, len(WHOLE) - 1),
        ("bytes=0-1,5-6", 200, 0, len(WHOLE) - 1),
        ("lines=0-1", 200, 0, len(WHOLE) - 1),
        ("bytes=9-2", 200, 0, len(WHOLE) - 1),
    ],
)
def test_a_part_is_sent_where_a_part_was_asked_for(
    video: Asset, get: Get, asked: str, status: int, first: int, last: int
) -> None:
    code, headers, body = get(f"/media/asset/{video.pk}", **({"range": asked} if asked else {}))
    assert (code, body) == (status, WHOLE[first : last + 1])
    assert headers["Content-Length"] == str(len(body))
    assert headers.get("Content-Range") == (f"bytes {first}-{last}/{len(WHOLE)}" if status == 206 else None)


def test_a_range_behind_the_end_is_refused(video: Asset, get: Get) -> None:
    code, headers, _ = get(f"/media/asset/{video.pk}", range="bytes=99999-")
    assert (code, headers["Content-Range"]) == (416, f"bytes */{len(WHOLE)}")


def test_nothing_in_a_file_can_run_here(video: Asset, get: Get) -> None:
    _, headers, _ = get(f"/media/asset/{video.pk}")
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    _, headers, _ = get(f"/media/asset/{video.pk}?download")
    assert headers["Content-Disposition"] == 'attachment; filename="a-boat-1.mp4"'


def test_a_file_that_is_known_is_not_sent_again(video: Asset, get: Get) -> None:
    code, _, body = get(f"/media/asset/{video.pk}", **{"if-none-match": f'"{video.sha256}"'})
    assert (code, body) == (304, b"")
    code, _, _ = get(f"/media/asset/{video.pk}", range="bytes=0-1", **{"if-range": '"another"'})
    assert code == 200


def test_a_file_is_for_its_team(video: Asset, get: Get, mate: User, viewer: User, stranger: User) -> None:
    path = f"/media/asset/{video.pk}"
    assert [get(path, who)[0] for who in (mate, viewer, stranger)] == [200, 200, 404]
    assert get(path, None)[0] == 302


def test_a_signed_address_opens_one_file_for_anybody_for_a_while(
    video: Asset, get: Get, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert signing.file_url("asset", video.pk) == ""
    settings.PUBLIC_URL = "https://play.example.com"
    path = signing.file_url("asset", video.pk).removeprefix(settings.PUBLIC_URL)
    assert get(path, None)[::2] == (200, WHOLE)
    assert get(path + "x", None)[0] == 404
    assert get(f"{path[:-3]}AAA", None)[0] == 404
    monkeypatch.setattr(signing, "FILE_LIVES", signing.FILE_LIVES * -1)
    assert get(path, None)[0] == 404


def given(data: bytes, name: str = "given.bin") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="text/html")


def test_a_file_is_judged_by_its_content_and_kept_once(owner: User, team: Team) -> None:
    first = uploads.store(given(picture(), "a.html"), "image", owner, team, max_bytes=10**6)
    again = uploads.store(given(picture(), "b.png"), "image", owner, team, max_bytes=10**6)
    assert first.pk == again.pk
    assert (first.media_type, first.width, first.height) == ("image/png", 40, 30)
    heard = uploads.store(given(sound()), "audio", owner, team, max_bytes=10**6)
    assert (heard.media_type, heard.duration_s) == ("audio/wav", 1.0)
    seen = uploads.store(given(mp4(10)), "video", owner, team, max_bytes=10**6)
    assert (seen.media_type, seen.duration_s) == ("video/mp4", 5)


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", "image", "is empty"),
        (b"<html><script>", "image", "a web page"),
        (b"<svg xmlns='x'>", "image", "a web page"),
        (sound(), "image", "a sound file"),
        (picture()[:70], "image", "damaged or cut off"),
        (b"\0\1\2\3" * 20, "audio", "an unknown kind"),
        (b"x" * 2000, "video", "too big"),
    ],
)
def test_a_file_that_is_not_what_is_wanted_is_refused_in_a_sentence(
    owner: User, team: Team, data: bytes, kind: str, words: str
) -> None:
    with pytest.raises(uploads.Refused, match=words):
        uploads.store(given(data), kind, owner, team, max_bytes=1900 if words == "too big" else 10**6)
    assert not Upload.objects.exists()


def test_where_a_picture_was_taken_is_taken_out_of_it(owner: User, team: Team) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera of somebody"
    row = uploads.store(given(picture("JPEG", exif=exif)), "image", owner, team, max_bytes=10**6)
    with row.file.open("rb") as file:
        kept = file.read()
    assert b"Camera" not in kept
    assert sniff.type_of(kept) is not None


def test_an_uploaded_picture_goes_along_as_data_where_there_is_no_public_address(
    place: Place, owner: User, team: Team, key: Any, settings: LazySettings
) -> None:
    row = uploads.store(given(picture()), "image", owner, team, max_bytes=10**6)
    values = {"model": "kling-v3", "prompt": "a boat", "mode": "std"}
    files = {"image": [{"upload": str(row.pk)}]}
    task = place(operation="kling.image2video", values=values, files=files)
    operation = catalogue.find(task.operation)
    assert operation is not None
    (sent,) = requests.inputs_of(task, operation, task.created_at).files["image"]
    assert (sent.url, bool(sent.data_b64)) == ("", True)
    settings.PUBLIC_URL = "https://play.example.com"
    (sent,) = requests.inputs_of(task, operation, task.created_at).files["image"]
    assert sent.url.startswith("https://play.example.com/files/public/")


def test_a_route_that_fetches_files_says_what_it_needs(place: Place, owner: User, team: Team) -> None:
    row = uploads.store(given(sound()), "audio", owner, team, max_bytes=10**6)
    values = {"customMode": False, "instrumental": True, "model": "V4_5", "prompt": "like this"}
    files = {"uploadUrl": [{"upload": str(row.pk)}]}
    with pytest.raises(orders.Refused) as caught:
        place(operation="suno.upload-cover", values=values, files=files)
    assert "PUBLIC_URL" in caught.value.errors["uploadUrl"]


def test_another_teams_files_are_not_there(place: Place, stranger: User) -> None:
    assert stranger.personal_team is not None
    row = uploads.store(given(picture()), "image", stranger, stranger.personal_team, max_bytes=10**6)
    values = {"model": "kling-v3", "prompt": "a boat", "mode": "std"}
    with pytest.raises(orders.Refused) as caught:
        place(operation="kling.image2video", values=values, files={"image": [{"upload": str(row.pk)}]})
    assert "no longer there" in caught.value.errors["image"]


def test_a_file_that_is_gone_when_it_is_sent_fails_the_task_before_the_call(
    place: Place, owner: User, team: Team, bench: Bench, upstream: Upstream
) -> None:
    row = uploads.store(given(picture()), "image", owner, team, max_bytes=10**6)
    values = {"model": "kling-v3", "prompt": "a boat", "mode": "std"}
    task = place(operation="kling.image2video", values=values, files={"image": [{"upload": str(row.pk)}]})
    row.delete()
    bench.run()
    failed = MediaTask.objects.get(pk=task.pk)
    assert (failed.status, failed.error_code) == ("failed", "file")
    assert upstream.creates == 0
    assert GatewayError("invalid_request").kind == failed.error_kind


def test_a_sound_shows_its_waves(tmp_path: Any) -> None:
    path = tmp_path / "sound"
    path.write_bytes(sound(2))
    facts = probes.facts_of(path, "audio", "audio/wav")
    assert (facts.duration_s, len(facts.waveform)) == (2.0, probes.PEAKS)
    assert (facts.waveform[0], facts.waveform[-1]) == (0.0, 1.0)


def test_a_picture_gets_a_small_one(tmp_path: Any) -> None:
    path = tmp_path / "picture"
    path.write_bytes(picture(size=(2000, 1000)))
    facts = probes.facts_of(path, "image", "image/png")
    assert (facts.width, facts.height) == (2000, 1000)
    with Image.open(io.BytesIO(facts.thumbnail)) as small:
        assert small.size == (probes.THUMBNAIL, probes.THUMBNAIL // 2)


BROKEN = [b"", b"RIFF", b"RIFF____WAVEfmt ", mp4(0)[:30], picture()[:60], b"\0" * 100]


@pytest.mark.parametrize("data", BROKEN)
@pytest.mark.parametrize("media_type", ["image/png", "audio/wav", "video/mp4"])
def test_a_broken_file_only_lacks_facts(tmp_path: Any, data: bytes, media_type: str) -> None:
    path = tmp_path / "broken"
    path.write_bytes(data)
    facts = probes.facts_of(path, media_type.partition("/")[0], media_type)
    assert facts.thumbnail == b""


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (png(), "image/png"),
        (sound(), "audio/wav"),
        (mp4(), "video/mp4"),
        (b"ID3\x04" + bytes(20), "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(20), "audio/mpeg"),
        (b"\xff\xf1\x50\x80" + bytes(20), "audio/aac"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm", "video/webm"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"<!doctype html>", None),
        (b"%PDF-1.7", None),
        (b"\xff\xfe<\0h\0", None),
    ],
)
def test_a_file_is_known_by_its_first_bytes(head: bytes, media_type: str | None) -> None:
    found = sniff.type_of(head)
    assert (found.media_type if found else None) == media_type


def test_a_head_request_sends_no_body(video: Asset, owner: User, client: Client) -> None:
    client.force_login(owner)
    response = client.head(f"/media/asset/{video.pk}")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Content-Length"] == str(len(WHOLE))
    assert client.get(f"/media/asset/{uuid.uuid4()}").status_code == 404
