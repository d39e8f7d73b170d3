"""Streams: what they cost, who may keep watching, and what an upstream without an end can do to us."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.gateway.errors import GatewayError
from playground.gateway.request import WireRequest
from playground.gateway.transport import AsyncTransport
from playground.live import sse
from tests._servers import cast
from tests._servers.processes import PATIENCE_S, until
from tests._servers.site import Site, Visitor
from tests.faults.answers import ANSWERS
from tests.faults.standing import Standing, answered, words
from tests.faults.upstream import running_upstream

STREAMS = 200
MOST_THREADS = 24


@contextmanager
def open_stream(visitor: Visitor, path: str = "/chat/live") -> Iterator[socket.socket]:
    """A stream as a bare socket, read up to its first frame."""
    place = urlsplit(str(visitor.base_url))
    assert place.hostname
    assert place.port
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies.jar)
    head = f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nCookie: {cookies}\r\n\r\n"
    with socket.create_connection((place.hostname, place.port), timeout=PATIENCE_S) as stream:
        stream.sendall(head.encode())
        read = b""
        while b"event: ready" not in read:
            read += (more := stream.recv(65536))
            assert more, read
        yield stream


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def backends(connection: psycopg.Connection[Any], more: LiteralString = "") -> int:
    """The connections to the site's database but this one."""
    ours = "datname = current_database() AND pid <> pg_backend_pid() "
    row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE " + ours + more).fetchone()
    assert row
    return int(row[0])


def memory(pid: int) -> int:
    """Resident bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def test_sec_74_two_hundred_streams_hold_no_connection_and_no_thread(
    site: Callable[..., Site], signed_in: Callable[..., Visitor], mode: str
) -> None:
    place = site(mode)
    visitor, pid = signed_in(place), place.running["web"].pid
    with ExitStack() as stack:
        for _ in range(STREAMS):
            stack.enter_context(open_stream(visitor))
        assert threads(pid) <= MOST_THREADS
        if mode == "production":
            with psycopg.connect(place.env["DATABASE_URL"], autocommit=True) as connection:
                # What looks at the rows now and then is at work for a moment; a stream would hold on.
                until(lambda: backends(connection, "AND state <> 'idle'") == 0)
                # What stays open is the pool's, however many streams there are.
                until(lambda: backends(connection) <= 12)
        assert visitor.get("/chat/").status_code == 200


def read_to_the_end(stream: socket.socket) -> bytes:
    """What comes until the last chunk of the answer; the connection itself stays open for the next one."""
    read = b""
    while not read.endswith(b"0\r\n\r\n") and (more := stream.recv(65536)):
        read += more
    return read


def test_sec_36_who_is_removed_or_signed_out_loses_the_open_stream(there: Standing) -> None:
    mate, stranger = there.visitor(cast.MATE), there.visitor(cast.STRANGER)
    people = "from accounts.models import *; from playground.chat.models import Conversation;"
    make = (
        "team = Team.objects.get(slug='research'); owner = User.objects.get(email='olivia@example.com');"
        "print(Conversation.objects.create(team=team, owner=owner, shared=True).pk)"
    )
    path = f"/chat/live?conversation={there.manage(people + make).strip()}"
    mine = "Membership.objects.filter(team__slug='research', user__email='miguel@example.com')"
    with open_stream(mate, path) as shared, open_stream(stranger) as own:
        there.manage(f"{people}{mine}.delete()")
        assert b'"kind":"gone"' in read_to_the_end(shared)
        assert mate.get(path).status_code == 404
        stranger.post("/account/logout/").raise_for_status()
        assert b'"kind":"gone"' in read_to_the_end(own)
    del there.people[cast.STRANGER]
    back = "Membership.objects.create(team=Team.objects.get(slug='research'), role=Role.MEMBER, user="
    there.manage(f"{people}{back}User.objects.get(email='miguel@example.com'))")


ODD = st.text(st.characters() | st.sampled_from("\r\n\u2028\u2029\x85\0\ud800:"))


@given(st.dictionaries(ODD, ODD | st.lists(ODD)))
def test_sec_41_whatever_a_frame_holds_it_is_one_frame_and_comes_back_equal(data: dict[str, Any]) -> None:
    frame = sse.frame("run", sse.payload(data))
    head, body, *rest = frame.decode().split("\n")
    assert (head, rest) == ("event: run", ["", ""])
    assert "\r" not in body
    came = json.loads(body.removeprefix("data: "))
    clean = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
    assert came == json.loads(clean)


def test_sec_41_a_token_of_five_megabytes_passes() -> None:
    text = "\n\nevent: run\ndata: " * 300_000
    assert json.loads(sse.payload([text]).decode()) == [text]


@pytest.mark.parametrize("model", ["endless-json", "endless-frame"])
def test_sec_46_a_body_without_an_end_is_cut_and_fills_no_memory(there: Standing, model: str) -> None:
    web = there.place.running["web"].pid
    key = there.key("sk-of-the-endless-000000")
    before, there.upstream.sent = memory(web), 0
    text = words(there.send(model, key=key).ended())
    assert re.search("too large|larger than", text), text
    assert there.upstream.sent < 64 * 2**20
    assert memory(web) - before < 100 * 2**20
    there.works()


def test_sec_69_a_stream_that_only_stays_alive_can_be_stopped(there: Standing) -> None:
    sent = there.send("drip", key=there.key("sk-of-the-drip-000000000"))
    asked = sent.asked()
    with asked.watch() as read:
        read(lambda page: page.ready is not None)
        assert "data-live" in asked.html()
        asked.stop()
        assert read(lambda page: asked.run in page.ended).ended == {asked.run: "stopped"}
    assert "You stopped this" in words(asked.html())


async def test_sec_77_a_thousand_interleaved_requests_never_mix_two_keys() -> None:
    transport = AsyncTransport()
    with running_upstream(ANSWERS) as upstream:

        async def ask(number: int) -> None:
            key = f"sk-key-{number % 2}-00000000000"
            body = json.dumps({"model": "good", "messages": [{"role": "user", "content": f"of {key}"}]})
            wire = WireRequest("POST", "/openai/v1/chat/completions", body.encode(), {}, stream=True)
            async with limit, transport.open(wire, upstream.url, key) as answer:
                await answer.read()

        limit = asyncio.Semaphore(50)
        await asyncio.gather(*map(ask, range(1000)))
        await transport.aclose()
    assert dict(upstream.asked) == {
        ("sk-key-0-00000000000", "of sk-key-0-00000000000"): 500,
        ("sk-key-1-00000000000", "of sk-key-1-00000000000"): 500,
    }
    assert upstream.cookies == []


def test_sec_79_eight_writers_and_readers_never_meet_a_locked_database(standing: Any) -> None:
    """SQLite: every writer waits for its turn."""
    there: Standing = standing("embedded")
    talks = [there.send("demo-chat").conversation for _ in range(8)]
    visitor = there.visitor()

    def write(talk: str) -> list[int]:
        statuses = []
        for number in range(8):
            base = f"/chat/{talk}"
            statuses.append(visitor.post(f"{base}/draft", data={"text": f"Draft {number}"}).status_code)
            statuses.append(visitor.post(f"{base}/rename", data={"title": f"T {number}"}).status_code)
            statuses.append(visitor.get(f"{base}/").status_code)
        return statuses

    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(there.send, ["demo-long-200"] * 8)
        done = list(pool.map(write, talks))
    assert {status for statuses in done for status in statuses} == {200, 204}
    for sent in answers:
        assert answered(sent.ended())
    assert "locked" not in there.logs()


async def test_sec_69_connecting_has_a_deadline_too() -> None:
    """A host that takes a connection into its queue and never a word from it."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listening:
        transport = AsyncTransport(connect_s=0.3, read_s=0.3)
        wire = WireRequest("POST", "/x", b"{}", {}, stream=True)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(GatewayError) as caught:
            async with transport.open(wire, address, "sk-never-answered-0000"):
                pass
        await transport.aclose()
    assert caught.value.kind == "timeout"


def test_sec_45_a_body_that_hides_its_length_is_cut_at_the_same_limit(standing: Any) -> None:
    there: Standing = standing("embedded")
    place = urlsplit(there.place.url)
    assert place.hostname
    sent, piece = 0, b"10000\r\n" + bytes(65536) + b"\r\n"
    head = f"POST /chat/upload HTTP/1.1\r\nHost: {place.netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection((place.hostname, place.port or 80), timeout=PATIENCE_S) as connection:
        connection.sendall(head.encode())
        try:
            while sent < 200 * 2**20:
                connection.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
    assert sent < 100 * 2**20
    until(lambda: there.visitor().get("/livez").status_code == 200)
