"""A whole site whose files are in a bucket, with real processes, in both modes."""

from __future__ import annotations

import io
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests._servers.processes import PATIENCE_S, PYTHON, Process, until
from tests._servers.site import Site
from tests.media.s3 import Bucket, bucket, s3_server
from tests.media.studio import Studio, finish_all
from tests.media.upstream import Upstream, mp4

__all__ = ["bucket", "s3_server"]
BIG = 200 * 2**20
Enter = Callable[..., httpx.Client]


def of_asset(desk: Any) -> str:
    """The address of the last task's file."""
    return f"/media/asset/{desk.rows()[-1]['assets'][0]['id']}"


def test_a_film_is_kept_shown_packed_and_deleted_and_outlives_a_restart(
    studio: Studio, upstream: Upstream, mode: str, bucket: Bucket, signed_in: Enter
) -> None:
    place, desk = studio(mode, webs=1, **bucket.environment)
    (task,) = desk.place("a boat")
    desk.wait_for("waiting")
    finish_all(desk, upstream)
    data = mp4(2000)
    (name,) = bucket.files()
    assert bucket.read(name) == data
    assert not list((place.folder / "media").rglob("*.mp4"))
    visitor = signed_in(place)
    path = of_asset(desk)
    assert visitor.get(path).content == data
    part = visitor.get(path, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    for process in list(place.commands):
        place.restart(process)
    assert visitor.get(path).content == data
    packed = visitor.get(f"/studio/task/{task}/zip").content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.read("a-boat-1.mp4") == data
    visitor.post(f"/studio/task/{task}/delete").raise_for_status()
    assert visitor.get(path).status_code == 404
    assert bucket.files() == {}


def test_a_bucket_that_is_away_for_a_while_costs_nothing_but_the_while(
    studio: Studio, upstream: Upstream, mode: str, bucket: Bucket, signed_in: Enter
) -> None:
    place, desk = studio(mode, webs=1, **bucket.environment)
    desk.place("a boat")
    desk.wait_for("waiting")
    bucket.line.unplug()
    upstream.finish()
    desk.ask("hurry")
    until(lambda: any(row["error"] for row in desk.rows()[0]["assets"]))
    (row,) = desk.rows()
    assert row["status"] == "collecting"
    assert "file storage of this site cannot be reached" in row["assets"][0]["error"]
    visitor = signed_in(place)
    # The pages go on meanwhile.
    assert "cannot be reached" in visitor.get(f"/studio/task/{row['id']}/").text
    upstream.files.clear()
    bucket.line.plug()
    finish_all(desk, upstream)
    assert visitor.get(of_asset(desk)).content == mp4(2000)
    assert len([name for name, _ in upstream.fetched if name == "made.mp4"]) == 1


def test_a_long_film_takes_little_memory_on_its_way_in_and_out(
    studio: Studio, upstream: Upstream, bucket: Bucket, signed_in: Enter
) -> None:
    place, desk = studio("embedded", webs=1, **bucket.environment | {"S3_ENDPOINT_URL": bucket.server})
    desk.place("warm up")
    desk.wait_for("waiting")
    finish_all(desk, upstream)
    visitor = signed_in(place)
    visitor.get(of_asset(desk)).raise_for_status()
    before = {name: memory(place, name, "VmRSS") for name in ("web", "worker")}
    upstream.put("huge.mp4", mp4())
    upstream.grow["huge.mp4"] = BIG
    desk.place("a film")
    desk.wait_for("waiting")
    upstream.finish(url=f"{upstream.url}/files/huge.mp4", task="up-2")
    desk.ask("hurry")
    desk.wait_for("succeeded", count=2)
    assert max(bucket.files().values()) == BIG
    with visitor.stream("GET", of_asset(desk)) as response:
        assert sum(map(len, response.iter_bytes())) == BIG
    for name, kib in before.items():
        assert memory(place, name, "VmHWM") - kib < 60 * 1024, name


def test_moving_that_is_killed_in_the_middle_is_begun_again(
    studio: Studio, upstream: Upstream, bucket: Bucket, signed_in: Enter
) -> None:
    place, desk = studio("embedded", webs=1)
    desk.place("a boat", times=4)
    desk.wait_for("waiting", count=4)
    upstream.put("film.mp4", mp4(2_000_000))
    upstream.finish(url=f"{upstream.url}/files/film.mp4")
    desk.ask("hurry")
    desk.wait_for("succeeded", count=4)
    place.env |= bucket.environment
    bucket.line.quiet_up = 5_000_000
    moving = Process([PYTHON, "manage.py", "move_files"], env=place.env)
    assert bucket.line.quiet.wait(PATIENCE_S)
    moving.send(signal.SIGKILL)
    moving.end()
    assert 0 < len(bucket.files()) < 4
    bucket.line.unplug()
    bucket.line.quiet_up = None
    bucket.line.let_go.set()
    bucket.line.plug()
    # What was moved and what was not is shown alike.
    place.restart()
    visitor = signed_in(place)
    paths = [f"/media/asset/{row['assets'][0]['id']}" for row in desk.rows()]
    assert [visitor.get(path).content == mp4(2_000_000) for path in paths] == [True] * 4
    assert "files were moved" in place.manage("move_files")
    assert [visitor.get(path).content == mp4(2_000_000) for path in paths] == [True] * 4
    assert list(bucket.files().values()) == [len(mp4(2_000_000))] * 4
    assert not list((place.folder / "media" / "assets").rglob("*.mp4"))


def test_a_worker_that_is_stopped_while_it_stores_leaves_the_file_to_the_next(
    studio: Studio, upstream: Upstream, bucket: Bucket
) -> None:
    place, desk = studio("embedded", webs=1, **bucket.environment)
    desk.place("a boat")
    desk.wait_for("waiting")
    bucket.line.quiet_up = 9_000_000
    upstream.finish(url=upstream.put("film.mp4", mp4(30_000_000)))
    desk.ask("hurry")
    assert bucket.line.quiet.wait(PATIENCE_S)
    place.kill("worker")
    desk.ask("lapse")
    bucket.line.quiet_up = None
    bucket.line.let_go.set()
    upstream.files.clear()
    place.start("worker")
    (row,) = desk.wait_for("succeeded")
    assert row["assets"][0]["status"] == "kept"
    assert list(bucket.files().values()) == [len(mp4(30_000_000))]


def memory(place: Site, process: str, name: str) -> int:
    """In KiB."""
    lines = Path(f"/proc/{place.running[process].pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])
