"""Archives of kept files: what is in them, what is not, and what they cost while they are made."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import tracemalloc
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.base import ContentFile
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client

from accounts.models import Team, User
from playground.media import zips
from playground.media.models import MediaTask
from tests.media.shelf import LIST, Make, SignIn, keep, maker

MEGABYTE = 1024 * 1024


@pytest.fixture
def make(owner: User, team: Team) -> Make:
    return maker(owner, team)


@pytest.fixture
def page(sign_in: SignIn, owner: User) -> Client:
    return sign_in(owner)


def read(response: Any) -> zipfile.ZipFile:
    assert isinstance(response, StreamingHttpResponse)

    async def collect() -> bytes:
        return b"".join([piece async for piece in response])  # type: ignore[union-attr]  # it is asynchronous

    archive = zipfile.ZipFile(io.BytesIO(asyncio.run(collect())))
    assert archive.testzip() is None
    return archive


def chosen(client: Client, *tasks: MediaTask) -> Any:
    return client.post(f"{LIST}do", {"act": "zip", "task": [str(task.pk) for task in tasks]})


def manifest(archive: zipfile.ZipFile) -> Any:
    return json.loads(archive.read("manifest.json"))


def test_one_task_is_its_files_and_a_manifest(page: Client, make: Make) -> None:
    task = make(
        "A slow boat", upstream_id="up-1", inputs={"values": {"prompt": "A slow boat", "mode": "std"}}
    )
    keep(task, b"first")
    keep(task, b"second")
    response = page.get(f"/studio/task/{task.pk}/zip")
    assert response.headers["Content-Disposition"] == 'attachment; filename="a-slow-boat.zip"'
    archive = read(response)
    assert archive.namelist() == ["a-slow-boat-1.mp4", "a-slow-boat-2.mp4", "manifest.json"]
    assert archive.read("a-slow-boat-2.mp4") == b"second"
    (told,) = manifest(archive)["tasks"]
    assert (told["id"], told["model"], told["upstream_id"]) == (str(task.pk), "kling-v3", "up-1")
    assert (told["prompt"], told["settings"]["mode"]) == ("A slow boat", "std")
    for output in told["outputs"]:
        assert output["sha256"] == hashlib.sha256(archive.read(output["file"])).hexdigest()
        assert output["size"] == len(archive.read(output["file"]))


def test_several_lie_in_a_folder_each(page: Client, make: Make) -> None:
    one, two = make("same"), make("same")
    for task in (one, two):
        keep(task, task.pk.bytes)
    archive = read(chosen(page, one, two))
    told = manifest(archive)["tasks"]
    assert [task["id"] for task in told] == [str(two.pk), str(one.pk)]
    files = [task["outputs"][0]["file"] for task in told]
    assert files == ["001-same/same-1.mp4", "002-same/same-1.mp4"]
    assert archive.read(files[0]) == two.pk.bytes


@pytest.mark.parametrize(
    "title", ["../../etc/passwd", "C:\\con\\nul", "a\x00b\n/c", "…", "灯塔", "-" * 90, ""]
)
def test_names_are_safe_and_their_own(page: Client, make: Make, title: str) -> None:
    task, other = make(title.replace("\0", "")), make(title.replace("\0", ""))
    for number in range(3):
        keep(task, meta={"title": title.replace("\0", "")}, kind="video" if number else "audio")
    keep(other, kind="text", media_type="")
    names = read(chosen(page, task, other)).namelist()
    assert len(set(names)) == len(names) == 5
    for name in names:
        path = PurePosixPath(name)
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert re.fullmatch(r"[\w./-]+", name)
        assert len(name) < 160


def test_texts_and_data_are_files_too(page: Client, make: Make) -> None:
    task = make("lyrics")
    row = keep(task, kind="text", media_type="")
    data = keep(task, kind="data", media_type="")
    for each, text in ((row, "la la — lä"), (data, '{"a": 1}')):
        each.file = ""
        each.text = text
        each.save()
    archive = read(page.get(f"/studio/task/{task.pk}/zip"))
    by_suffix = {PurePosixPath(name).suffix: archive.read(name).decode() for name in archive.namelist()[:-1]}
    assert by_suffix == {".txt": "la la — lä", ".json": '{"a": 1}'}


def test_only_what_is_kept_is_in_it(page: Client, make: Make) -> None:
    task = make("a boat", status="collecting")
    assert page.get(f"/studio/task/{task.pk}/zip").headers["Location"] == f"/studio/task/{task.pk}/"
    assert b"Nothing is kept of this yet" in page.get(LIST).content
    keep(task, b"kept")
    keep(task, b"coming", key="later")
    task.assets.filter(key="later").update(status="fetching", kept_at=None)
    assert len(read(page.get(f"/studio/task/{task.pk}/zip")).namelist()) == 2


def test_a_file_that_is_gone_is_told_of_in_the_manifest(page: Client, make: Make) -> None:
    task = make("a boat")
    lost, there = keep(task, b"lost"), keep(task, b"there")
    Path(lost.file.path).unlink()
    archive = read(page.get(f"/studio/task/{task.pk}/zip"))
    assert manifest(archive)["missing"] == ["a-boat-1.mp4"]
    assert archive.namelist() == ["a-boat-2.mp4", "manifest.json"]
    assert there.size == len(archive.read("a-boat-2.mp4"))


def test_too_much_is_refused_with_both_figures(page: Client, make: Make, settings: LazySettings) -> None:
    settings.MAX_ZIP_BYTES = 2_000_000
    one, two = make("one"), make("two")
    for task in (one, two):
        keep(task, b"x" * 1_500_000)
    assert chosen(page, one, two).status_code == 302
    assert b"3.0 MB together, and one archive holds 2.0 MB" in page.get(LIST).content
    assert len(read(chosen(page, one)).namelist()) == 2


def test_others_files_are_not_in_it(sign_in: SignIn, stranger: User, owner: User, make: Make) -> None:
    own, foreign = make("own"), make("foreign", team=stranger.personal_team, user=stranger)
    for task in (own, foreign):
        keep(task)
    archive = read(chosen(sign_in(owner), own, foreign))
    assert [task["title"] for task in manifest(archive)["tasks"]] == ["own"]


def test_a_viewer_may_download(sign_in: SignIn, viewer: User, make: Make) -> None:
    task = make("a boat")
    keep(task)
    assert len(read(chosen(sign_in(viewer), task)).namelist()) == 2


def test_the_database_is_not_asked_while_it_is_sent(make: Make) -> None:
    tasks = [make(f"boat {number}") for number in range(5)]
    for task in tasks:
        keep(task)
    plan = zips.plan(tasks)

    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        raise AssertionError(f"asked in mid-stream: {sql}")

    with connection.execute_wrapper(refuse):
        assert len(b"".join(zips.packed(plan))) > 0


def test_a_long_archive_is_held_a_piece_at_a_time(make: Make) -> None:
    tasks = [make(f"boat {number}") for number in range(4)]
    for task in tasks:
        row = keep(task)
        row.file.save("big.mp4", ContentFile(b"\1" * (8 * MEGABYTE)))
    plan = zips.plan(tasks)
    tracemalloc.start()
    try:
        sent = sum(len(piece) for piece in zips.packed(plan))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sent > 32 * MEGABYTE
    assert peak < 3 * MEGABYTE


def test_who_leaves_in_the_middle_leaves_nothing_open(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make("a boat")
    keep(task, b"\1" * (4 * MEGABYTE))
    plan = zips.plan([task])
    opened: list[Any] = []
    real = zips.default_storage.open
    monkeypatch.setattr(zips.default_storage, "open", lambda *args: opened.append(real(*args)) or opened[-1])

    async def leave() -> int:
        pieces = zips.stream(plan)
        size = len(await anext(pieces))
        await pieces.aclose()
        return size

    assert 0 < asyncio.run(leave()) < MEGABYTE
    assert [file.closed for file in opened] == [True]


def test_who_is_cut_off_while_a_piece_is_read_leaves_nothing_open(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = keep(make("a boat"), b"\1" * MEGABYTE)
    plan = zips.plan([row.task])
    closed: list[bool] = []

    async def cut() -> None:
        reading, go_on = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        real = zips.packed

        def slow(given: zips.Plan) -> Any:
            try:
                loop.call_soon_threadsafe(reading.set)
                asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
                yield from real(given)
            finally:
                closed.append(True)

        monkeypatch.setattr(zips, "packed", slow)
        pieces = zips.stream(plan)
        step = asyncio.ensure_future(anext(pieces))
        await reading.wait()
        step.cancel()
        loop.call_soon(go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await step

    asyncio.run(cut())
    assert closed == [True]
