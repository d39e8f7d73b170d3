"""Kept files in a bucket: made, shown, packed, deleted; and what happens while the bucket is away."""

from __future__ import annotations

import asyncio
import io
import os
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient, Client, RequestFactory
from django.utils import timezone

from accounts.models import Team, User
from playground import inventory
from playground.bucket import BucketFile
from playground.chat import attachments
from playground.gateway.errors import GatewayError
from playground.media import assets, catalogue, fetching, followups, parts, requests, serving, uploads, zips
from playground.media.models import Asset, MediaTask, Upload
from playground.media.serving import Kept
from playground.storage import StorageError, open_span
from tests.media.conftest import KLING, Bench, Place, fresh
from tests.media.s3 import Bucket, bucket, on_s3, s3_server
from tests.media.shelf import maker
from tests.media.test_files import Get, get, picture
from tests.media.upstream import Upstream, mp4

__all__ = ["bucket", "get", "on_s3", "s3_server"]
pytestmark = pytest.mark.django_db
MADE = mp4(2000)
Film = Callable[[bytes], Asset]


@pytest.fixture
def film(place: Place, bench: Bench, upstream: Upstream) -> Film:
    """`film(data)`: a video of a finished task."""

    def make(data: bytes = MADE) -> Asset:
        place("a boat")
        bench.run()
        upstream.finish(url=upstream.put("film.mp4", data))
        bench.again(2)
        return Asset.objects.latest("created_at")

    return make


def test_a_film_is_kept_in_the_bucket_and_not_here(on_s3: Bucket, film: Film, storage: Path) -> None:
    asset = film(MADE)
    assert asset.status == "kept"
    assert on_s3.read(asset.file.name) == MADE
    assert [path for path in storage.rglob("*") if path.is_file()] == []


def test_the_team_gets_it_from_this_site_alone(on_s3: Bucket, film: Film, get: Get, stranger: User) -> None:
    path = f"/media/asset/{film(MADE).pk}"
    status, headers, body = get(path)
    assert (status, body) == (200, MADE)
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert not {"Location", "x-amz-request-id"} & set(headers)
    assert get(path, who=stranger)[0] == 404


def test_a_part_that_is_asked_for_is_all_that_comes_from_the_bucket(
    on_s3: Bucket, film: Film, get: Get
) -> None:
    data = mp4(5_000_000)[:-100] + bytes(range(100))
    asset = film(data)
    before = on_s3.line.down
    status, headers, body = get(f"/media/asset/{asset.pk}", Range="bytes=-100")
    assert (status, body) == (206, bytes(range(100)))
    assert headers["Content-Range"] == f"bytes {len(data) - 100}-{len(data) - 1}/{len(data)}"
    assert on_s3.line.down - before < 3000


def test_a_head_request_asks_the_bucket_for_nothing(on_s3: Bucket, film: Film, owner: User) -> None:
    asset = film(MADE)
    before = on_s3.line.down
    client = Client()
    client.force_login(owner)
    response = client.head(f"/media/asset/{asset.pk}")
    assert (response.status_code, response.headers["Content-Length"]) == (200, str(len(MADE)))
    assert on_s3.line.down == before


def test_its_archive_holds_it(on_s3: Bucket, film: Film) -> None:
    asset = film(MADE)
    packed = b"".join(zips.packed(zips.plan([asset.task])))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.read("a-boat-1.mp4") == MADE


def test_an_archive_names_a_file_that_is_gone(on_s3: Bucket, film: Film) -> None:
    asset = film(MADE)
    default_storage.delete(asset.file.name)
    packed = b"".join(zips.packed(zips.plan([asset.task])))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert '"missing"' in archive.read("manifest.json").decode()


def test_an_archive_breaks_off_rather_than_leave_files_out_while_the_bucket_is_away(
    on_s3: Bucket, film: Film
) -> None:
    plan = zips.plan([film(MADE).task])
    on_s3.line.unplug()
    with pytest.raises(StorageError):
        b"".join(zips.packed(plan))


def test_a_picture_has_its_small_one_beside_it(on_s3: Bucket, get: Get, owner: User, team: Team) -> None:
    task = maker(owner, team)()
    asset = Asset.objects.create(task=task, ordinal=0, kind="image", key="image:0")
    parts.put_aside(asset.pk, picture(size=(1200, 900)))
    assets.fetch(asset)
    assert len(on_s3.files()) == 2
    status, headers, body = get(f"/media/asset/{asset.pk}/small")
    assert (status, headers["Content-Length"]) == (200, str(len(body)))
    assert body


def test_a_task_that_is_deleted_takes_its_files_out_of_the_bucket(
    on_s3: Bucket, film: Film, owner: User, django_capture_on_commit_callbacks: Any
) -> None:
    asset = film(MADE)
    assert on_s3.files()
    with django_capture_on_commit_callbacks(execute=True):
        followups.delete([asset.task], owner)
    assert on_s3.files() == {}


def test_what_could_not_be_deleted_while_the_bucket_was_away_is_cleaned_up_later(
    on_s3: Bucket, film: Film, owner: User, django_capture_on_commit_callbacks: Any
) -> None:
    gone, there = film(MADE), film(MADE)
    on_s3.line.unplug()
    with django_capture_on_commit_callbacks(execute=True):
        followups.delete([gone.task], owner)
    on_s3.line.plug()
    assert len(on_s3.files()) == 2
    assert inventory.unnamed(timezone.now()) == []  # it might be on its way to its row
    assert inventory.unnamed(timezone.now() + timedelta(days=2)) == [gone.file.name]
    assert there.file.name in on_s3.files()


def test_files_that_people_give_are_kept_there_too_and_read_for_the_route(
    on_s3: Bucket, owner: User, team: Team, get: Get
) -> None:
    data = picture()
    row = uploads.store(SimpleUploadedFile("a.png", data), "image", owner, team, max_bytes=10**6)
    assert on_s3.read(row.file.name) == get(f"/media/upload/{row.pk}")[2]
    given = attachments.store(SimpleUploadedFile("b.png", data), owner, team)
    assert on_s3.read(given.file.name) == attachments.open_bytes(given)
    assert get(f"/chat/attachment/{given.pk}")[0] == 200


def test_the_bucket_being_away_is_said_and_the_film_is_kept_once_it_is_back(
    on_s3: Bucket, place: Place, bench: Bench, upstream: Upstream
) -> None:
    task = place("a boat")
    bench.run()
    upstream.finish(url=upstream.put("film.mp4", MADE))
    on_s3.line.unplug()
    bench.again(2)
    asset = Asset.objects.get()
    assert (asset.status, fresh(task).status) == ("waiting", "collecting")
    assert asset.error == "The file storage of this site cannot be reached just now. It is tried again."
    assert asset.due_at is not None
    # The provider's link may be dead by then.
    upstream.files.clear()
    on_s3.line.plug()
    bench.again()
    assert fresh(task).status == "succeeded"
    assert on_s3.read(Asset.objects.get().file.name) == MADE
    assert len(upstream.fetched) == 1


def test_however_long_it_is_away_it_is_tried_again(
    on_s3: Bucket, place: Place, bench: Bench, upstream: Upstream
) -> None:
    task = place("a boat")
    bench.run()
    upstream.finish(url=upstream.put("film.mp4", MADE))
    on_s3.line.unplug()
    bench.again(2)
    Asset.objects.update(attempts=100)
    asset = Asset.objects.get()
    weeks_ago = time.time() - 30 * 24 * 3600
    os.utime(parts.path_of(asset.pk), (weeks_ago, weeks_ago))
    bench.again()
    assert parts.clean() == 0
    asset.refresh_from_db()
    assert (asset.status, fresh(task).status) == ("waiting", "collecting")
    assert asset.due_at is not None


def test_a_line_that_breaks_in_the_middle_leaves_no_half_file(
    on_s3: Bucket, place: Place, bench: Bench, upstream: Upstream
) -> None:
    task = place("a boat")
    bench.run()
    data = mp4(20_000_000)
    upstream.finish(url=upstream.put("film.mp4", data))
    bench.again()
    on_s3.line.cut_up = 12_000_000
    bench.again(2)
    assert fresh(task).status == "succeeded"
    assert list(on_s3.files().values()) == [len(data)]
    assert on_s3.begun() == 0


def test_a_download_goes_on_where_its_line_broke(on_s3: Bucket, film: Film, get: Get) -> None:
    data = mp4(3_000_000)[:-256] + bytes(range(256))
    asset = film(data)
    on_s3.line.cut_down = 1_000_000
    assert get(f"/media/asset/{asset.pk}")[2] == data
    assert on_s3.line.cut_down is None


def test_a_page_says_that_the_bucket_is_away(on_s3: Bucket, film: Film, get: Get) -> None:
    asset = film(MADE)
    on_s3.line.unplug()
    status, headers, body = get(f"/media/asset/{asset.pk}")
    assert (status, headers["Content-Type"]) == (503, "text/plain")
    assert body == b"The file storage of this site cannot be reached just now."
    assert get(f"/media/asset/{asset.pk}", **{"If-None-Match": f'"{asset.sha256}"'})[0] == 304


def test_a_file_that_is_gone_is_not_a_bucket_that_is_away(on_s3: Bucket, film: Film, get: Get) -> None:
    asset = film(MADE)
    default_storage.delete(asset.file.name)
    assert get(f"/media/asset/{asset.pk}")[0] == 410


def test_what_a_person_gives_is_refused_in_words_while_the_bucket_is_away(
    on_s3: Bucket, owner: User, team: Team
) -> None:
    on_s3.line.unplug()
    with pytest.raises(uploads.Refused, match="a.png could not be kept. The file storage"):
        uploads.store(SimpleUploadedFile("a.png", picture()), "image", owner, team, max_bytes=10**6)
    with pytest.raises(attachments.Refused, match="b.png could not be kept. The file storage"):
        attachments.store(SimpleUploadedFile("b.png", picture()), owner, team)
    assert not Upload.objects.exists()


def test_a_route_that_needs_a_file_is_told_why_it_cannot_have_it(
    on_s3: Bucket, owner: User, team: Team
) -> None:
    row = uploads.store(SimpleUploadedFile("a.png", picture()), "image", owner, team, max_bytes=10**6)
    operation = catalogue.find("kling.image2video")
    assert operation
    task = MediaTask(team=team, user=owner, operation="kling.image2video", inputs={"values": KLING})
    task.inputs["files"] = {"image": [{"upload": str(row.pk)}]}
    on_s3.line.unplug()
    with pytest.raises(GatewayError, match="The file storage of this site cannot be reached"):
        requests.build(task, operation, timezone.now())


def test_a_picture_that_a_model_made_is_not_lost_while_the_bucket_is_away(
    on_s3: Bucket, owner: User, team: Team, storage: Path
) -> None:
    on_s3.line.unplug()
    row = attachments.keep_made(picture(), owner, team)
    assert (storage / row.file.name).exists()
    on_s3.line.plug()
    assert attachments.open_bytes(row) == picture()


def test_files_from_before_there_was_a_bucket_are_found_and_deleted(
    bucket: Bucket,
    film: Film,
    get: Get,
    settings: LazySettings,
    storage: Path,
    owner: User,
    django_capture_on_commit_callbacks: Any,
) -> None:
    asset = film(MADE)
    path = storage / asset.file.name
    assert path.exists()
    settings.STORAGES = settings.STORAGES | {"default": bucket.storage()}
    assert get(f"/media/asset/{asset.pk}", Range="bytes=4-7")[2] == b"ftyp"
    assert default_storage.size(asset.file.name) == len(MADE)
    with django_capture_on_commit_callbacks(execute=True):
        followups.delete([MediaTask.objects.get()], owner)
    assert not path.exists()


def test_a_worker_that_ends_does_not_wait_for_a_long_file(
    on_s3: Bucket, film: Film, place: Place, bench: Bench, upstream: Upstream
) -> None:
    task = place("a boat")
    bench.run()
    upstream.finish(url=upstream.put("film.mp4", MADE))
    on_s3.line.unplug()
    bench.again(2)
    on_s3.line.plug()
    asset = Asset.objects.get()
    fetching.stop()
    try:
        with pytest.raises(fetching.Stopped):
            assets.fetch(asset)
    finally:
        fetching.begin()
    assert on_s3.files() == {}
    bench.again()
    assert fresh(task).status == "succeeded"


def test_a_file_is_read_again_from_its_beginning_and_from_its_middle(on_s3: Bucket) -> None:
    on_s3.put("assets/a", b"0123456789")
    with default_storage.open("assets/a") as file:
        assert (file.size, file.read(3), file.read()) == (10, b"012", b"3456789")
        file.seek(5)
        assert file.read() == b"56789"
        file.open()
        assert file.read(1) == b"0"
    file.open()
    assert file.read() == b"0123456789"
    file.close()
    with open_span("assets/a", 2, 4) as span:
        assert span.read() == b"234"


def test_an_empty_file_is_a_file(on_s3: Bucket) -> None:
    default_storage.save("assets/nothing", ContentFile(b""))
    assert default_storage.exists("assets/nothing")
    with default_storage.open("assets/nothing") as file:
        assert file.read() == b""


def test_no_name_leads_out_of_the_prefix(on_s3: Bucket) -> None:
    with pytest.raises(SuspiciousOperation):
        default_storage.open("../../other/secret")


def test_who_leaves_while_the_bucket_is_silent_holds_up_nobody(
    on_s3: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_s3.put("assets/a", bytes(8_000_000))
    order: list[str] = []
    real = BucketFile.close

    def close(self: BucketFile) -> None:
        order.append("closed")
        real(self)

    monkeypatch.setattr(BucketFile, "close", close)
    kept = Kept("assets/a", "video/mp4", 8_000_000, "e", "a.mp4")
    on_s3.line.quiet_down = 400_000  # one piece, and half of the next

    async def leave() -> None:
        response: Any = serving.respond(RequestFactory().get("/"), kept, cache="no-store")
        pieces = aiter(response.streaming_content)
        await anext(pieces)
        rest = asyncio.ensure_future(_all(pieces))
        await asyncio.to_thread(on_s3.line.quiet.wait, 60)
        rest.cancel()
        await asyncio.sleep(0)
        order.append("the others go on")
        on_s3.line.let_go.set()
        await asyncio.wait([rest])
        await pieces.aclose()

    asyncio.run(leave())
    assert order == ["the others go on", "closed"]


async def _all(pieces: Any) -> int:
    return sum([len(piece) async for piece in pieces])


def test_it_is_shown_piece_by_piece(on_s3: Bucket, film: Film, owner: User) -> None:
    asset = film(mp4(3_000_000))

    async def first() -> int:
        client = AsyncClient()
        await client.aforce_login(owner)
        response: Any = await client.get(f"/media/asset/{asset.pk}")
        pieces = aiter(response.streaming_content)
        piece = await anext(pieces)
        await pieces.aclose()
        return len(piece)

    assert async_to_sync(first)() == 256 * 1024
