"""What stands under an answer: why it ended, what can be done about it, and its figures spelled out."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from playground.chat.models import Run, Turn


@pytest.fixture
def page(sign_in: Any, owner: User) -> Client:
    client: Client = sign_in(owner)
    return client


def ended(page: Client, answer: Turn, name: str = "turn", **about: Any) -> str:
    Run.objects.filter(answer=answer).update(**about)
    return str(page.get(reverse(f"chat:{name}", args=[answer.pk])).content.decode())


@pytest.mark.parametrize(
    ("reason", "raw", "words", "action"),
    [
        ("stop", "end_turn", "Finished", ""),
        ("length", "max_tokens", "Cut at the token limit", "Continue"),
        ("paused", "pause_turn", "Paused by the provider", "Go on"),
        ("refused", "refusal", "The model refused", ""),
        ("filtered", "SAFETY", "Cut by a content filter", ""),
        ("tool_calls", "tool_use", "Wants tools", ""),
    ],
)
def test_why_an_answer_ended_is_said_in_words_with_the_raw_one_beside(
    page: Client, answer: Turn, reason: str, raw: str, words: str, action: str
) -> None:
    html = ended(page, answer, reason=reason, raw_reason=raw)
    assert words in html
    assert f"({raw})" in html
    assert reverse("chat:go-on", args=[answer.pk]) in html if action else "go-on" not in html
    assert action in html


def test_a_pause_without_a_text_can_go_on_too(page: Client, answer: Turn) -> None:
    Turn.objects.filter(pk=answer.pk).update(text="", parts=[])
    assert "Go on" in ended(page, answer, reason="paused")
    assert "Continue" not in ended(page, answer, reason="length")


COUNTS: dict[str, Any] = {
    "input_tokens": 1200,
    "cache_read_tokens": 900,
    "cache_write_tokens": 100,
    "output_tokens": 50,
    "reasoning_tokens": None,
}


def test_the_figures_are_spelled_out_in_the_words_of_the_family(page: Client, answer: Turn) -> None:
    html = ended(page, answer, family="anthropic", **COUNTS)
    assert "= 200 new + 900 read from cache + 100 written to cache" in html
    html = ended(page, answer, "details", family="anthropic", **COUNTS)
    assert "cache_creation_input_tokens" in html
    assert "cache_read_input_tokens" in html
    html = ended(page, answer, "details", family="gemini", **COUNTS)
    assert "cachedContentTokenCount" in html


def test_what_is_0_is_spelled_out_in_the_details_only(page: Client, answer: Turn) -> None:
    none = COUNTS | {"cache_read_tokens": 0, "cache_write_tokens": 0}
    assert "read from cache" not in ended(page, answer, family="anthropic", **none)
    assert "read from cache" in ended(page, answer, "details", family="anthropic", **none)


def test_figures_that_contradict_each_other_are_not_split(page: Client, answer: Turn) -> None:
    odd = COUNTS | {"cache_read_tokens": 5000}
    assert "= " not in ended(page, answer, family="anthropic", **odd).split("turn-facts")[1]
    assert "Not split" in ended(page, answer, "details", family="anthropic", **odd)


def test_a_family_that_is_gone_still_shows_its_totals(page: Client, answer: Turn) -> None:
    assert "1,200" in ended(page, answer, "details", family="gone", **COUNTS)


def test_details_tell_what_was_not_sent_and_whether_the_schema_fits(page: Client, answer: Turn) -> None:
    lost = ["The refused answer is left out."] * 2
    verdict = {"fits": False, "errors": [{"pointer": "/a", "message": "no"}], "unchecked": []}
    html = ended(page, answer, "details", losses=lost, verdict=verdict)
    assert "The refused answer is left out. (2 times)" in html
    assert "does not fit its schema: 1 place." in html
    fits = {"fits": True, "errors": [], "unchecked": []}
    assert "fits its schema" in ended(page, answer, "details", verdict=fits)


def test_a_file_by_its_address_is_shown_as_a_chip(page: Client, answer: Turn) -> None:
    film = {"kind": "file", "url": "https://example.com/film.mp4", "media_type": "video/mp4"}
    asked = answer.parent
    assert asked is not None
    Turn.objects.filter(pk=asked.pk).update(parts=[film])
    html = page.get(reverse("chat:turn", args=[asked.pk])).content.decode()
    assert 'href="https://example.com/film.mp4"' in html
    assert "video/mp4" in html
