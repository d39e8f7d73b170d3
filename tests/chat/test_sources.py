"""The sources of an answer: kept with its turn, shown below it, copied with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from playground.chat import turns
from playground.chat.models import Turn
from playground.chat.render import part_blocks
from playground.chat.sources import markdown, part_of
from playground.gateway.events import Cited
from tests.chat.test_driver import driven, driver, events, same_as_stored, stream

URL = "https://tides.example.test/high?a=1&b=2"
PAGE = {"url": URL, "title": "Tides & co", "quotes": ["High at six.", "Low at noon."]}


def html(*rows: dict[str, Any]) -> str:
    (block,) = part_blocks({"kind": "sources", "text": "", "sources": rows})
    return block


def source(url: str, title: str = "", *quotes: str) -> dict[str, Any]:
    return {"url": url, "title": title, "quotes": list(quotes)}


def anthropic(*citations: dict[str, Any]) -> bytes:
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "High."}}
    told = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": each}}
        for each in citations
    ]
    ends = [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
    ]
    return b"".join(b"data: " + json.dumps(row).encode() + b"\n\n" for row in [block, *told, *ends])


async def test_what_an_answer_cites_is_kept_at_its_end_and_shown_live_as_a_reload_shows_it() -> None:
    run = driver("anthropic")
    cited = [{"url": URL, "title": "Tides", "cited_text": text} for text in ("High at six.", "Low at noon.")]
    outcome = await driven(run, stream(anthropic(*cited)))
    row = {"url": URL, "title": "Tides", "quotes": ["High at six.", "Low at noon."]}
    assert outcome.parts[-1] == {"kind": "sources", "text": "", "sources": [row]}
    assert [part.kind for part in run.view.parts] == ["text", "sources"]
    assert all(part.closed for part in run.view.parts)
    assert same_as_stored(run, outcome)


async def test_sources_are_kept_before_the_answer_has_ended() -> None:
    run = driver("anthropic")
    page = {"url": URL, "title": "Tides"}
    await driven(run, stream(anthropic(page).partition(b'data: {"type": "message_delta"')[0]))
    assert run.parts()[-1]["sources"][0]["url"] == URL


async def test_an_answer_that_goes_on_keeps_the_sources_it_had_and_adds_new_ones() -> None:
    before = [
        {"kind": "text", "text": "High"},
        {"kind": "sources", "text": "", "sources": [source(URL, "One")]},
    ]
    page = {"type": "url_citation", "url_citation": {"url": "https://two.example.test/", "title": "Two"}}
    run = driver(prefix=before)
    outcome = await driven(run, stream(events({"content": " tide.", "annotations": [page]})))
    assert [part["kind"] for part in outcome.parts] == ["text", "sources"]
    assert outcome.parts[0]["text"] == "High tide."
    assert [row["title"] for row in outcome.parts[1]["sources"]] == ["One", "Two"]
    assert same_as_stored(run, outcome)


async def test_an_answer_without_sources_has_no_such_part() -> None:
    outcome = await driven(driver(), stream(events({"content": "High."})))
    assert [part["kind"] for part in outcome.parts] == ["text"]


def test_a_source_is_a_link_that_tells_nothing_of_this_page_with_its_host_and_folded_quotes() -> None:
    block = html(PAGE)
    assert 'href="https://tides.example.test/high?a=1&amp;b=2"' in block
    assert 'rel="noopener noreferrer nofollow"' in block
    assert ">Tides &amp; co</a>" in block and "tides.example.test</span>" in block
    assert "<summary>Quoted text</summary><blockquote>High at six.</blockquote>" in block


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://[bad", "ftp://a.example/", ""],
)
def test_an_address_that_leads_nowhere_good_is_words(url: str) -> None:
    block = html(source(url, "Named"))
    assert "<a" not in block and "Named" in block


def test_what_a_model_cites_cannot_write_html() -> None:
    evil = '"><script>alert(1)</script>'
    block = html(source(f"https://a.example/{evil}", evil, evil))
    assert "<script" not in block
    assert 'href="https://a.example/&quot;&gt;' in block


def test_the_host_shown_is_that_of_the_link_not_a_name_before_it() -> None:
    block = html(source("https://bank.example@evil.example/login", "Bank"))
    assert 'class="source-host">evil.example<' in block


def test_equal_sources_are_one_with_all_their_quotes() -> None:
    told = [Cited(URL, "", "A"), Cited(URL, "Tides", "B"), Cited(URL, "Tides", "A"), Cited("", "tides.pdf")]
    part = part_of(told)
    assert part is not None
    assert part["sources"] == [source(URL, "Tides", "A", "B"), source("", "tides.pdf")]


def test_a_copied_answer_ends_with_its_sources(client: Any, owner: User, answer: Turn) -> None:
    part = {"kind": "sources", "text": "", "sources": [PAGE, source("", "tides.pdf")]}
    Turn.objects.filter(pk=answer.pk).update(parts=[*answer.parts, part])
    client.force_login(owner)
    copied = client.get(reverse("chat:source", args=[answer.pk])).content.decode()
    assert copied.startswith(answer.text)
    assert copied.endswith(
        f"Sources:\n\n1. Tides & co <{URL}>\n   > High at six.\n   > Low at noon.\n2. tides.pdf"
    )


def test_a_reloaded_answer_shows_its_sources(client: Any, owner: User, answer: Turn) -> None:
    Turn.objects.filter(pk=answer.pk).update(
        parts=[*answer.parts, {"kind": "sources", "text": "", "sources": [PAGE]}]
    )
    client.force_login(owner)
    page = client.get(reverse("chat:turn", args=[answer.pk])).content.decode()
    assert 'data-kind="sources"' in page and "tides.example.test/high" in page


def test_an_edited_answer_keeps_its_sources_below_its_new_text(owner: User, answer: Turn) -> None:
    answer.parts = [*answer.parts, {"kind": "sources", "text": "", "sources": [PAGE]}]
    answer.save()
    changed = turns.edit(answer, owner, text="Otherwise.")
    assert [part["kind"] for part in changed.parts] == ["text", "sources"]


def test_an_answer_without_sources_is_copied_as_it_is() -> None:
    assert markdown([{"kind": "text", "text": "High."}]) == ""
