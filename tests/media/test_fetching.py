"""Downloads from addresses that others name: what is refused, what is resumed, and what becomes of it."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from django.conf import LazySettings

from playground.media import fetching, parts
from playground.media.fetching import FetchError, Head, Refused
from playground.media.parts import DiskFull, Part
from tests.media.upstream import Upstream, mp4

CLOSED_4 = (
    "127.0.0.1 0.0.0.0 10.1.2.3 100.64.0.1 169.254.169.254 172.31.255.1 192.168.0.1 192.0.0.8 198.18.0.1 "
    "224.0.0.1 240.0.0.1 255.255.255.255 no-address"
)
CLOSED_6 = (
    ":: ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1 fc00::1 fd12::1 fe80::1 fe80::1%eth0 ff02::1 2001::1 "
    "2001:db8::1 2002:7f00:1:: 100::1"
)
OPEN = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "172.32.0.1", "100.128.0.1"]
LOOPBACK = "127.0.0.1 2130706433 0x7f.1 0177.0.0.1 127.1 localhost [::1] [::ffff:127.0.0.1]"


@pytest.mark.parametrize("address", f"{CLOSED_4} {CLOSED_6}".split())
def test_addresses_that_are_not_of_the_open_internet_are_refused(address: str) -> None:
    assert not fetching.is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "172.32.0.1", "100.128.0.1"]
)
def test_addresses_of_the_open_internet_are_taken(address: str) -> None:
    assert fetching.is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example.com/a.mp4",
        "https://files.example.com:8443/a.mp4",
        "https://user:word@files.example.com/a",
        "ftp://files.example.com/a",
        "file:///etc/passwd",
        "https:///a",
        "https://files.example.com/a b",
        "https://files.example.com\r\nX: y/",
        "//files.example.com/a",
        "",
    ],
)
def test_only_plain_https_links_are_followed(url: str) -> None:
    def never(host: str, port: int) -> list[str]:
        raise AssertionError("it was looked up")

    with pytest.raises(Refused), fetching.open_stream(url, {}, resolver=never):
        pass


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_every_spelling_of_loopback_is_refused(host: str) -> None:
    with pytest.raises(FetchError), fetching.open_stream(f"https://{host}/a", {}):
        pass


def test_one_closed_address_among_open_ones_is_enough_to_refuse() -> None:
    def both(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.5"]

    with pytest.raises(Refused), fetching.open_stream("https://files.example.com/a", {}, resolver=both):
        pass


def test_a_name_that_changes_its_address_is_judged_by_the_one_that_is_connected_to() -> None:
    asked: list[str] = []

    def turning(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["93.184.216.34"]

    with pytest.raises(Refused), fetching.open_stream("https://files.example.com/a", {}, resolver=turning):
        pass
    assert len(asked) == 1


def test_a_listed_gateway_may_be_on_loopback_and_its_redirects_may_not_lead_elsewhere_there(
    upstream: Upstream, settings: LazySettings
) -> None:
    settings.GATEWAY_URLS = [upstream.url]
    url = upstream.put("a.bin", b"12345")
    with fetching.open_stream(url, {}) as stream:
        assert b"".join(stream.chunks) == b"12345"
    port = int(upstream.url.rpartition(":")[2])
    for target in (
        f"http://127.0.0.1:{port + 1}/x",
        f"http://localhost:{port}/files/a.bin",
        "http://169.254.169.254/",
    ):
        upstream.redirects["go"] = target
        with pytest.raises(Refused), fetching.open_stream(f"{upstream.url}/files/go", {}):
            pass
    upstream.redirects["go"] = "/files/a.bin"
    with fetching.open_stream(f"{upstream.url}/files/go", {}) as stream:
        assert b"".join(stream.chunks) == b"12345"
    upstream.redirects["go"] = "/files/go"
    with (
        pytest.raises(FetchError, match="without an end"),
        fetching.open_stream(f"{upstream.url}/files/go", {}),
    ):
        pass


def bring(url: str, part: Part) -> None:
    with part, fetching.open_stream(url, part.headers()) as stream:
        part.begin(stream.head)
        for chunk in stream.chunks:
            part.write(chunk)
        part.end()


@pytest.fixture
def listed(upstream: Upstream, settings: LazySettings) -> Upstream:
    settings.GATEWAY_URLS = [upstream.url]
    return upstream


def test_a_broken_download_goes_on_where_it_stopped(listed: Upstream) -> None:
    data = mp4(500_000)
    url, pk = listed.put("a.mp4", data), uuid.uuid4()
    part = Part(pk)
    listed.stall_at["a.mp4"] = 200_000
    listed.let_go.set()
    with pytest.raises(FetchError, match="broke off"):
        bring(url, part)
    assert parts.path_of(pk).stat().st_size == 200_000
    listed.stall_at.clear()
    bring(url, Part(pk, part.validator))
    assert parts.path_of(pk).read_bytes() == data
    assert listed.fetched[-1][1]["range"] == "bytes=200000-"


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(listed: Upstream) -> None:
    url, pk = listed.put("a.mp4", mp4(500_000)), uuid.uuid4()
    part = Part(pk)
    listed.stall_at["a.mp4"] = 200_000
    listed.let_go.set()
    with pytest.raises(FetchError):
        bring(url, part)
    listed.stall_at.clear()
    listed.put("a.mp4", mp4(100))
    bring(url, Part(pk, part.validator))
    assert parts.path_of(pk).read_bytes() == mp4(100)


def test_a_file_past_the_limit_is_not_kept_whatever_it_says_of_itself(tmp_path: Path) -> None:
    pk = uuid.uuid4()
    with Part(pk, limit=1000) as told, pytest.raises(FetchError, match="larger than"):
        told.begin(Head(200, {"content-length": "1001"}))
    with Part(pk, limit=1000) as silent:
        silent.begin(Head(200, {}))
        silent.write(b"x" * 1000)
        with pytest.raises(FetchError, match="larger than"):
            silent.write(b"x")
    assert not parts.path_of(pk).exists()


def test_a_full_disk_is_said_in_a_sentence_and_leaves_no_half_file() -> None:
    pk = uuid.uuid4()
    parts.path_of(pk).symlink_to("/dev/full")
    with Part(pk) as part:
        part.begin(Head(200, {}))
        with pytest.raises(DiskFull, match="no space left"):
            part.write(b"x" * 1_000_000)
            part.end()
    assert not parts.path_of(pk).is_symlink()
