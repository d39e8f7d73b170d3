"""Keys and prompts: where they are not. Real processes, a key that was typed in, a gateway that echoes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests._servers import cast
from tests._servers.processes import until
from tests.faults.standing import HTMX, Sent, Standing, words
from tests.security.canary import hits, new_key, new_words, spellings


@dataclass(frozen=True, slots=True)
class Trail:
    """A site on which a key was used in every way there is, and a prompt asked."""

    there: Standing
    key: str
    secret: str
    refused: str
    prompt: str
    sent: Sent


@pytest.fixture(scope="module")
def trails(standing: Callable[[str], Standing]) -> Callable[[str], Trail]:
    made: dict[str, Trail] = {}

    def get(mode: str) -> Trail:
        if mode not in made:
            made[mode] = leave_trail(standing(mode))
        return made[mode]

    return get


@pytest.fixture
def trail(trails: Callable[[str], Trail], mode: str) -> Trail:
    return trails(mode)


def leave_trail(there: Standing) -> Trail:
    secret, refused, prompt = new_key(), f"{new_key()}-refused", new_words()
    key, bad = there.key(secret), there.key(refused)
    visitor = there.visitor()
    sent = there.send("good", f"{prompt} in the prompt", key=key, system=f"{prompt} in the system")
    sent.ended()
    there.send("echo-key", f"{prompt} again", key=key).ended()
    there.send("demo-echo-key", key=there.key(secret, url=there.demo)).ended()
    for pk, value in ((key, secret), (bad, refused)):
        visitor.post(f"/settings/keys/{pk}/test/", headers=HTMX)
        visitor.post("/models/refresh", data={"key": pk}, headers=HTMX)
        there.manage(f"from playground.ops.tasks import refresh; refresh.delay('{pk}')")
        # Saved, tested, refreshed by hand, and by the worker.
        until(lambda value=value: there.upstream.listed[value] >= 4)
    visitor.post("/settings/keys/", data={"label": "", "base_url": "x", "secret": secret})
    visitor.post(f"/settings/keys/{bad}/rotate/", data={"secret": f"{refused} no key"})
    # What a careless script does: the key in an address, an address that is not there, a broken form.
    visitor.get("/chat/", params={"key": secret})
    visitor.get(f"/nothing/{prompt}")
    return Trail(there, key, secret, refused, prompt, sent)


def database(there: Standing) -> Iterator[tuple[str, str]]:
    """All that is at rest: the files of SQLite as they are, or every table of PostgreSQL copied out."""
    if there.place.mode == "embedded":
        for path in there.place.folder.glob("playground.sqlite3*"):
            yield path.name, path.read_bytes().decode("latin-1")
        return
    with closing(psycopg.connect(there.place.env["DATABASE_URL"])) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in rows:
            with connection.cursor().copy(f'COPY "{table}" TO STDOUT'.encode()) as copy:
                yield table, b"".join(map(bytes, copy)).decode()


def files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.startswith("playground.sqlite3"):
            with suppress(FileNotFoundError):  # a message to the worker may be taken meanwhile
                yield str(path.relative_to(folder)), path.read_bytes().decode("latin-1")


def test_sec_01_a_key_is_unreadable_at_rest(trail: Trail) -> None:
    there = trail.there
    tables = dict(database(there))
    assert hits(trail.prompt, tables.items()), "the search itself must find what is there"
    for secret in (trail.secret, trail.refused):
        assert hits(secret, tables.items()) == []
        assert hits(secret, files(there.place.folder)) == []


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, str]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry, before + str(entry.pattern))
        else:
            assert isinstance(entry, URLPattern)
            yield before + str(entry.pattern), entry.name or ""


def addresses(trail: Trail) -> list[str]:
    """Every address of the site with ids that are there."""
    ids = {
        "chat/turn/": trail.sent.asked().turn,
        "chat/run/": trail.sent.asked().run,
        "chat/": trail.sent.conversation,
        "settings/keys/": trail.key,
    }
    urls = []
    for route, name in patterns(get_resolver()):
        pk = next((pk for start, pk in ids.items() if route.startswith(start)), "none")
        if name not in ("live", "account_logout"):
            plain = re.sub(r"\(\?P<\w+>[^)]*\)", "x-x", route.strip("^$"))
            urls.append("/" + re.sub(r"<uuid:\w+>", pk, re.sub(r"<str:\w+>", "x", plain)))
    return [*urls, f"/models/options?key={trail.key}", f"/chat/list?q={trail.sent.conversation[:4]}"]


def test_sec_05_no_address_ever_renders_a_key(trail: Trail) -> None:
    there, seen = trail.there, []
    for name in (cast.OWNER, cast.MATE, cast.VIEWER, cast.STRANGER):
        visitor = there.visitor(name)
        for url in addresses(trail):
            for headers in ({}, HTMX):
                answer = visitor.get(url, headers=headers)
                assert answer.status_code < 500, url
                seen.append((f"{name} {url}", f"{answer.headers} {answer.text}"))
    assert hits(trail.prompt, seen), "the crawl must have seen the conversation"
    assert hits(trail.secret, seen) == []
    assert hits(trail.refused, seen) == []


def test_sec_06_no_key_is_in_a_log(trail: Trail) -> None:
    """LOG_LEVEL is DEBUG on this site; the worker's log is one of them."""
    logs = [(path.name, path.read_text()) for path in trail.there.place.folder.glob("*.log")]
    assert {name for name, _ in logs} >= {"web.log"}
    for secret in (trail.secret, trail.refused):
        assert hits(secret, logs) == []


def test_sec_13_no_prompt_and_no_answer_is_in_a_log(trail: Trail) -> None:
    assert trail.prompt not in trail.there.logs().replace(f"/nothing/{trail.prompt}", "")
    assert "All is well with" not in trail.there.logs()


def test_sec_15_an_echoed_key_is_masked_wherever_the_error_is_shown(trail: Trail) -> None:
    there = trail.there
    sent = there.send("echo-key", key=trail.key)
    html = sent.ended()
    assert "Incorrect API key provided: [hidden]" in words(html) or "Bearer [hidden]" in words(html)
    details = sent.visitor.get(f"/chat/turn/{sent.asked().turn}/details", headers=HTMX).text
    keys = there.visitor().get("/settings/keys/").text
    assert hits(trail.secret, [("answer", html), ("details", details), ("keys", keys)]) == []


def test_the_search_finds_a_key_in_every_spelling() -> None:
    secret = new_key()
    for form in spellings(secret):
        assert hits(secret, [("here", f"before {form} after")])
