"""The sources an answer rests on, as each family tells them."""

from __future__ import annotations

import json

import pytest

from playground.gateway.assembly import MOST_CITED
from playground.gateway.events import Cited
from playground.gateway.wire import FAMILIES
from tests.wire.decoding import assert_well_formed, decode_objects, fold

URL = "https://tides.example.test/high?a=1"
PAGE = {"url": URL, "title": "Tides"}


def chat(*pages):
    rows = [{"type": "url_citation", "url_citation": page} for page in pages]
    return [{"choices": [{"delta": {"content": "High.", "annotations": rows}, "finish_reason": "stop"}]}]


def responses(*pages):
    rows = [{"type": "url_citation", **page} if isinstance(page, dict) else page for page in pages]
    told = [{"type": "response.output_text.annotation.added", "annotation": row} for row in rows]
    part = {"type": "output_text", "text": "High.", "annotations": rows}
    item = {"type": "message", "id": "msg_1", "content": [part]}
    return [*told, {"type": "response.completed", "response": {"status": "completed", "output": [item]}}]


def anthropic(*pages):
    def on(kind, **fields):
        return {"type": kind, "index": 0, **fields}

    told = [on("content_block_delta", delta={"type": "citations_delta", "citation": page}) for page in pages]
    return [
        on("content_block_start", content_block={"type": "text", "text": "High."}),
        *told,
        on("content_block_stop"),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
    ]


def gemini(*pages):
    rows = [{"web": {"uri": p["url"], "title": p.get("title")} if isinstance(p, dict) else p} for p in pages]
    content = {"parts": [{"text": "High."}]}
    candidate = {"content": content, "finishReason": "STOP", "groundingMetadata": {"groundingChunks": rows}}
    return [{"candidates": [candidate]}]


SAID = {"openai_chat": chat, "openai_responses": responses, "anthropic": anthropic, "gemini": gemini}


@pytest.fixture(params=SAID)
def told(request):
    """Decodes an answer that rests on these pages."""

    def decode(*pages):
        events, _ = decode_objects(FAMILIES[request.param], *SAID[request.param](*pages))
        assert_well_formed(events)
        transcript = fold(events)
        assert transcript.text == "High."
        return transcript.citations

    return decode


def test_a_source_is_told_once_with_its_title(told):
    assert told(PAGE, PAGE, {"url": URL + "2"}) == [Cited(URL, "Tides"), Cited(URL + "2")]


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//tides.example.test",
        "https://tides.example.test/\nx",
        "https://tides.example.test/\ud83d",
        "https://tides.example.test/" + "x" * 2000,
    ],
)
def test_an_address_that_is_none_on_the_web_is_words_that_cannot_be_followed(told, address):
    (named,), (nameless,) = told({"url": address, "title": "Tides"}), told({"url": address})
    assert named == Cited("", "Tides")
    assert nameless.url == "" and nameless.title.startswith(address[:20])


@pytest.mark.parametrize("page", [{"url": None}, {"url": 7, "title": 7}, {"url": " "}, 7, None])
def test_what_tells_of_no_source_is_none(told, page):
    assert told(page) == []


def test_sources_without_end_are_cut_short(told):
    assert len(told(*({"url": f"{URL}{number}"} for number in range(300)))) == MOST_CITED


def test_a_whole_message_tells_its_sources_too():
    block = {"type": "text", "text": "High.", "citations": [PAGE, 7]}
    events = FAMILIES["anthropic"].decode_whole(json.dumps({"content": [block]}).encode())
    assert fold(events).citations == [Cited(URL, "Tides")]


def test_the_quoted_text_is_told_with_its_source_each_quote_once():
    quoted = [PAGE | {"cited_text": text} for text in ("High at six.", "Low at noon.", "High at six.")]
    events, _ = decode_objects(FAMILIES["anthropic"], *anthropic(*quoted))
    assert fold(events).citations == [
        Cited(URL, "Tides", "High at six."),
        Cited(URL, "Tides", "Low at noon."),
    ]


def test_a_document_the_person_gave_is_a_source_without_an_address():
    told = {"type": "char_location", "document_title": "tides.pdf", "cited_text": "High at six."}
    events, _ = decode_objects(FAMILIES["anthropic"], *anthropic(told))
    assert fold(events).citations == [Cited("", "tides.pdf", "High at six.")]
