"""The demo's finished files: ranges, expiry, and everything that can be wrong with a download."""

import json
import socket
import time
from typing import Any

import pytest

from playground.demo.media.assets import Asset
from playground.demo.media.recipes import Picture
from playground.demo.media.serving import HUGE, Server
from tests._servers.processes import PATIENCE_S, until
from tests.demo.media_asking import (
    FILM,
    IMAGES,
    VIDEOS,
    created,
    ended,
    fetched,
    film_of,
    local,
    png_size,
    seconds_of,
)


@pytest.fixture(scope="module")
def film(gateway):
    return film_of(gateway)


def test_a_file_needs_no_key_and_tells_its_length(gateway, film):
    status, headers, data = fetched(gateway, film)
    assert (status, headers["content-type"], headers["accept-ranges"]) == (200, "video/mp4", "bytes")
    assert int(headers["content-length"]) == len(data)
    assert fetched(gateway, film)[2] == data


def test_head_tells_the_same_without_the_bytes(gateway, film):
    _, headers, data = fetched(gateway, film)
    status, told, body = fetched(gateway, film, method="HEAD")
    assert (status, body, told["content-length"]) == (200, b"", headers["content-length"])
    assert told["etag"] == headers["etag"]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=1000-", 1000, None),
        ("bytes=-100", -100, None),
        ("bytes=0-99999999", 0, None),
    ],
)
def test_a_range_is_sent_alone(gateway, film, asked, start, end):
    whole = fetched(gateway, film)[2]
    status, headers, data = fetched(gateway, film, {"range": asked})
    assert (status, data) == (206, whole[start:end])
    first = start % len(whole)
    assert headers["content-range"] == f"bytes {first}-{first + len(data) - 1}/{len(whole)}"
    assert int(headers["content-length"]) == len(data)


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0", "bytes=99999999-99999999"])
def test_a_range_behind_the_end_cannot_be_sent(gateway, film, asked):
    status, headers, _ = fetched(gateway, film, {"range": asked})
    assert status == 416
    assert headers["content-range"].startswith("bytes */")


@pytest.mark.parametrize(
    "asked", ["bytes=", "bytes=-", "lines=1-2", "bytes=5-2", "bytes=1-2,4-5", "bytes=a-b"]
)
def test_anything_that_is_no_plain_range_gets_the_whole(gateway, film, asked):
    assert fetched(gateway, film, {"range": asked})[0] == 200


def test_a_range_of_another_version_gets_the_whole(gateway, film):
    tag = fetched(gateway, film)[1]["etag"]
    assert fetched(gateway, film, {"range": "bytes=5-", "if-range": tag})[0] == 206
    assert fetched(gateway, film, {"range": "bytes=5-", "if-range": '"other"'})[0] == 200


@pytest.mark.parametrize("path", ["/demo/assets/", "/demo/assets/nobody.mp4", "/demo/assets/../tasks"])
def test_an_address_that_was_never_given_is_not_found(gateway, path):
    assert fetched(gateway, path)[0] == 404


def test_a_file_takes_no_other_method(gateway, film):
    assert fetched(gateway, film, method="POST")[0] == 405
    assert fetched(gateway, film, method="DELETE")[0] == 405


def test_addresses_cannot_be_guessed_from_each_other(gateway):
    paths = [film_of(gateway) for _ in range(3)]
    assert len({path[:24] for path in paths}) == 3


def test_who_fetched_a_file_is_recorded_with_the_names_of_the_headers(starter):
    own = starter("--fast")
    path = film_of(own)
    fetched(own, path, {"x-canary": "1"})
    rows: list[dict[str, Any]] = []
    until(lambda: rows.append(own.json("/demo/requests")["data"][-1]) or rows[-1]["status"])
    row = rows[-1]
    assert (row["method"], row["path"], row["status"]) == ("GET", path, 200)
    assert "x-canary" in row["header_names"] and "authorization" not in row["header_names"]


@pytest.mark.parametrize(
    ("word", "status", "location"),
    [
        ("private", 302, "http://169.254.169.254/"),
        ("loop", 302, "/demo/assets/"),
        ("redirect", 302, "/demo/assets/"),
        ("404", 404, None),
        ("503", 503, None),
        ("expired", 403, None),
    ],
)
def test_an_answer_that_is_no_file(gateway, word, status, location):
    got, headers, data = fetched(gateway, film_of(gateway, f"A boat demo-asset-{word}"))
    assert got == status
    assert (headers.get("location") or "").startswith(location or "")
    assert b"ftyp" not in data


def test_a_redirect_leads_to_the_file_and_a_loop_does_not(gateway):
    path = film_of(gateway, "A boat demo-asset-redirect")
    assert seconds_of(fetched(gateway, fetched(gateway, path)[1]["location"])[2]) == 5
    path = film_of(gateway, "A boat demo-asset-loop")
    assert fetched(gateway, path)[1]["location"] == path


def test_an_address_can_name_a_private_host(gateway):
    answer = ended(gateway, FILM, created(gateway, FILM, "A boat demo-asset-private-url"))
    assert answer["output"]["video_url"].startswith("http://10.")


def test_what_is_unavailable_once_is_there_the_second_time(gateway):
    path = film_of(gateway, "A boat demo-asset-503")
    assert [fetched(gateway, path)[0] for _ in range(2)] == [503, 200]


@pytest.mark.parametrize(
    ("word", "told", "start"),
    [
        ("html", "video/mp4", b"<!doctype html>"),
        ("svg", "video/mp4", b"<svg"),
        ("untyped", "application/octet-stream", b"\0\0\0"),
    ],
)
def test_a_type_can_be_a_lie(gateway, word, told, start):
    status, headers, data = fetched(gateway, film_of(gateway, f"A boat demo-asset-{word}"))
    assert (status, headers["content-type"]) == (200, told)
    assert data.startswith(start)


def raw_fetch(gateway, path, headers=""):
    """All bytes of an answer until the socket closes, head and body apart."""
    with socket.create_connection(gateway.address, timeout=PATIENCE_S) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n{headers}\r\n".encode()
        )
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    return head.decode("latin-1").lower(), body


def promised(head):
    return int(head.partition("content-length: ")[2].split()[0])


def test_a_file_that_is_cut_can_be_resumed(gateway):
    path = film_of(gateway, "A boat demo-asset-cut")
    head, half = raw_fetch(gateway, path)
    assert 0 < len(half) < promised(head)
    head, rest = raw_fetch(gateway, path, f"range: bytes={len(half)}-\r\n")
    assert " 206 " in head and len(rest) == promised(head)
    assert seconds_of(half + rest) == 5


def test_a_file_that_is_always_cut_knows_no_ranges(gateway):
    path = film_of(gateway, "A boat demo-asset-cut-always")
    for headers in ("", "range: bytes=9-\r\n"):
        head, half = raw_fetch(gateway, path, headers)
        assert " 200 " in head and len(half) == promised(head) // 2


def test_a_huge_file_is_a_film_of_exactly_two_hundred_mebibytes(gateway):
    path = film_of(gateway, "A boat demo-asset-huge")
    status, headers, _ = fetched(gateway, path, method="HEAD")
    assert (status, int(headers["content-length"])) == (200, HUGE)
    start = fetched(gateway, path, {"range": "bytes=0-999999"})[2]
    assert start[4:8] == b"ftyp" and start.endswith(bytes(1000))
    assert fetched(gateway, path, {"range": f"bytes={HUGE - 5}-"})[2] == bytes(5)


@pytest.mark.parametrize(
    ("word", "least", "speed"),
    [("endless", 4 * 1024 * 1024, "5"), ("stall", 1000, "5"), ("slow", 100, "0.5")],
)
def test_a_file_that_goes_on_ends_when_the_client_leaves(starter, word, least, speed):
    # At this speed the slow one takes twenty seconds, in which it has to be seen open.
    own = starter("--speed", speed)
    with socket.create_connection(own.address, timeout=PATIENCE_S) as connection:
        connection.sendall(f"GET {a_picture(own, word)} HTTP/1.1\r\nhost: demo\r\n\r\n".encode())
        received = 0
        while received < least:
            received += len(connection.recv(65536))
        assert own.json("/demo/streams")["open"] == 1
    own.streams_once(0)


def a_picture(own, word):
    """The path of a picture whose address has a fault."""
    raw = own.call("POST", IMAGES, {"model": "demo-image", "prompt": f"A boat demo-asset-{word}"})[2]
    return local(json.loads(raw)["data"][0]["url"])


def test_a_silent_server_holds_the_connection_open(gateway):
    path = film_of(gateway, "A boat demo-asset-hang")
    gateway.streams_once(0)
    with socket.create_connection(gateway.address, timeout=PATIENCE_S) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: demo\r\n\r\n".encode())
        gateway.streams_once(1)
    gateway.streams_once(0)


def test_the_bytes_of_a_video_have_the_same_faults(gateway):
    task = created(gateway, VIDEOS, "A boat demo-asset-redirect")
    ended(gateway, VIDEOS, task)
    path = f"{VIDEOS}/{task}/content"
    status, headers, _ = gateway.call("GET", path)
    assert (status, headers["location"]) == (302, f"{path}?moved=1")
    assert seconds_of(gateway.call("GET", headers["location"])[2]) == 5


def test_pictures_have_the_same_faults(gateway):
    status, headers, data = fetched(gateway, a_picture(gateway, "untyped"))
    assert (status, headers["content-type"]) == (200, "application/octet-stream")
    assert png_size(data) == (1024, 1024)


class Answered:
    """As much of an exchange as an expired file needs."""

    method, path, query, headers = "GET", "/demo/assets/a.png", {}, {}
    status = None

    async def reply_bytes(self, status, body, media_type, headers=()):
        self.status, self.body = status, body


async def test_a_file_expires_when_its_time_is_over():
    answered, now = Answered(), time.time()
    asset = Asset("a", Picture("a", 64, 64), "", expires_at=now)
    await Server(speed=0).send(answered, asset, now=now + 1)
    assert answered.status == 403 and b"expired" in answered.body
