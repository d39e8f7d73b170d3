"""Parts as blocks of HTML: stored and streamed give the same, and nothing is rendered twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.chat import render
from tests.chat.hostile import PAYLOADS, offences

ANSWER = "# Title\n\nSome *text*.\n\n```python\nx = 1\n```\n\n- a\n- b\n"


@pytest.fixture
def rendered(monkeypatch) -> Iterator[list[str]]:
    """The sources that were really rendered, from an empty cache on."""
    sources: list[str] = []
    original = render.render

    def counting(source: str, *, breaks: bool = False) -> list[str]:
        sources.append(source)
        return original(source, breaks=breaks)

    monkeypatch.setattr(render, "render", counting)
    monkeypatch.setattr(render, "_stored", render._Cache(entries=50, chars=100_000))
    return sources


def finished(kind: str, *deltas: str) -> list[str]:
    part = render.PartStream(kind)
    return [*(block for delta in deltas for block in part.feed(delta)), *part.close()]


def text_of(html: str) -> str:
    """The text of a code block, as a reader sees it."""
    code = html.split('<code class="hl-code">')[1].split("</code>")[0]
    return unescape(re.sub(r"<[^>]+>", "", code))


@pytest.mark.parametrize("kind", ["text", "thinking", "refusal"])
def test_text_of_every_kind_is_markdown(kind):
    assert render.part_blocks({"kind": kind, "text": "*so*"}) == ["<p><em>so</em></p>\n"]


def test_a_turn_gives_its_parts_in_order_with_the_empty_ones():
    parts = [
        {"kind": "thinking", "text": "hm"},
        {"kind": "text", "text": ""},
        {"kind": "tool_call", "text": "{}", "name": "look_up", "call_id": "call_1"},
    ]
    thinking, empty, call = render.turn_blocks(parts)
    assert (thinking.index, thinking.kind, thinking.blocks) == (0, "thinking", ["<p>hm</p>\n"])
    assert (empty.index, empty.blocks) == (1, [])
    assert (call.index, call.name, call.call_id) == (2, "look_up", "call_1")


def test_a_part_of_another_kind_has_no_blocks_here():
    assert render.part_blocks({"kind": "file", "text": "sunny"}) == []


@pytest.mark.parametrize("text", ['{"a": 1', "{'a': 1}", "NaN", "not json"])
def test_arguments_that_are_no_json_are_said_to_be_none(text):
    [html] = render.part_blocks({"kind": "tool_call", "text": text})
    assert "Not valid JSON" in html


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "1e999", "1" * 5_000, '{"a": "' + "x" * 300_000 + '"}'])
def test_arguments_that_are_json_are_not_called_bad_only_because_they_stay_as_they_came(text):
    [html] = render.part_blocks({"kind": "tool_call", "text": text})
    assert "Not valid JSON" not in html


def test_a_result_may_be_any_text_and_is_laid_out_when_it_is_json():
    [html] = render.part_blocks({"kind": "tool_result", "text": "sunny <b>"})
    assert text_of(html) == "sunny <b>"
    assert "Not valid JSON" not in html
    [html] = render.part_blocks({"kind": "tool_result", "text": '{"a":1}'})
    assert text_of(html) == '{\n  "a": 1\n}'


def test_a_picture_that_could_not_be_kept_says_why():
    assert render.part_blocks({"kind": "image", "text": "No <room>."}) == ["<p>No &lt;room&gt;.</p>"]


def test_a_text_that_is_to_be_json_is_indented_and_its_fence_is_gone():
    part = {"kind": "text", "format": "json", "text": '```json\n{"a": 1}\n```'}
    assert "```" not in render.part_blocks(part)[0]
    (row,) = render.turn_blocks([part])
    assert row.kind == "json"


def test_a_part_with_null_for_its_text_is_empty():
    assert render.part_blocks({"kind": "text", "text": None}) == []


# ---- tool calls


def test_arguments_are_indented_and_highlighted():
    [html] = render.part_blocks({"kind": "tool_call", "text": '{"city":"Zürich","days":[1,2]}'})
    assert text_of(html) == '{\n  "city": "Zürich",\n  "days": [\n    1,\n    2\n  ]\n}'
    assert 'data-lang="json"' in html


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1',
        "not json",
        "NaN",
        '{"a":1,"a":2}',
        "1e999",
        "0.12345678901234567890123",
        "[" * 5_000,
        "1" * 5_000,
    ]
    + ['{"a": "' + "x" * 300_000 + '"}'],
)
def test_arguments_that_cannot_be_shown_faithfully_stay_as_they_came(text):
    [html] = render.part_blocks({"kind": "tool_call", "text": text})
    assert text_of(html) == text


def test_no_arguments_at_all_are_an_empty_object():
    [html] = render.part_blocks({"kind": "tool_call", "text": ""})
    assert text_of(html) == "{}"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    )
)
def test_indented_arguments_are_the_same_value(value):
    source = json.dumps(value)
    [html] = render.part_blocks({"kind": "tool_call", "text": source})
    assert offences(html) == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_is_harmless_in_every_kind_of_part(payload):
    for kind in ("text", "thinking", "refusal", "tool_call"):
        for text in (payload, json.dumps({payload: payload})):
            assert offences("".join(render.part_blocks({"kind": kind, "text": text}))) == []
    assert offences("".join(render.user_blocks(payload))) == []


# ---- what a person typed


def test_what_a_person_typed_keeps_its_newlines():
    assert render.user_blocks("one\ntwo") == ["<p>one<br>\ntwo</p>\n"]
    assert render.part_blocks({"kind": "text", "text": "one\ntwo"}) == ["<p>one\ntwo</p>\n"]


def test_a_pasted_file_of_a_megabyte_is_shown_as_it_is():
    text = "*line* \0\ud800\n" * 90_000
    [html] = render.user_blocks(text)
    assert html.count("*line* \ufffd\ufffd") == 90_000


# ---- streamed


@given(st.text("ab*`#-> \n|", max_size=80), st.integers(1, 9))
def test_a_streamed_part_ends_as_the_stored_one(text, size):
    deltas = [text[i : i + size] for i in range(0, len(text), size)]
    for kind in ("text", "tool_call"):
        assert finished(kind, *deltas) == render.part_blocks({"kind": kind, "text": text})


def test_a_part_keeps_its_finished_blocks_and_the_source_of_the_rest():
    part = render.PartStream("text")
    sent = part.feed("Done.\n\nNot ")
    part.feed("yet")
    assert part.blocks == sent == ["<p>Done.</p>\n"]
    assert part.tail == "Not yet"
    part.close()
    assert part.blocks == ["<p>Done.</p>\n", "<p>Not yet</p>\n"]
    assert part.tail == ""


def test_a_tool_call_is_raw_until_it_ends():
    part = render.PartStream("tool_call")
    assert part.feed('{"a":') == part.feed("1}") == []
    assert part.tail == '{"a":1}'
    [html] = part.close()
    assert text_of(html) == '{\n  "a": 1\n}'
    assert part.tail == ""


# ---- the digest


def test_the_digest_tells_the_same_html_from_another():
    blocks = render.part_blocks({"kind": "text", "text": ANSWER})
    assert render.digest(iter(blocks)) == render.digest(finished("text", *ANSWER))
    assert render.digest(blocks) != render.digest(blocks[:-1])
    assert len(render.digest([])) == 16


# ---- nothing twice


def test_a_long_conversation_is_rendered_once(rendered):
    parts = [{"kind": "text", "text": f"turn {n}"} for n in range(40)]
    first = render.turn_blocks(parts)
    assert render.turn_blocks(parts) == first
    assert len(rendered) == 40


def test_a_streamed_answer_is_not_rendered_again_for_the_page(rendered):
    blocks = finished("text", *ANSWER)
    assert render.part_blocks({"kind": "text", "text": ANSWER}) == blocks
    assert rendered == []


def test_the_same_text_typed_and_answered_is_not_confused(rendered):
    assert render.user_blocks("a\nb") != render.part_blocks({"kind": "text", "text": "a\nb"})


def test_what_a_caller_does_with_its_blocks_does_not_reach_the_next(rendered):
    first = render.part_blocks({"kind": "text", "text": "kept"})
    first.clear()
    assert render.part_blocks({"kind": "text", "text": "kept"}) == ["<p>kept</p>\n"]


def test_the_longest_unused_part_leaves_the_cache_first(rendered):
    for n in [*range(50), 0, 50]:
        render.part_blocks({"kind": "text", "text": f"turn {n}"})
    rendered.clear()
    for n in (0, 50, 1):
        render.part_blocks({"kind": "text", "text": f"turn {n}"})
    assert rendered == ["turn 1"]


def test_the_cache_is_bounded_by_size_too(rendered):
    for n in range(10):
        render.part_blocks({"kind": "text", "text": f"{n}" + "x" * 20_000})
    rendered.clear()
    render.part_blocks({"kind": "text", "text": "0" + "x" * 20_000})
    assert len(rendered) == 1


def test_one_giant_part_does_not_push_out_the_others(rendered):
    render.part_blocks({"kind": "text", "text": "small"})
    render.part_blocks({"kind": "text", "text": "x" * 150_000})
    rendered.clear()
    render.part_blocks({"kind": "text", "text": "small"})
    assert rendered == []
