"""What an answer shows: its parts, its figures, its failure and what helps against that."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from playground.chat import turns
from playground.chat.models import Run, Turn
from tests._servers.goods import finish

SignIn = Callable[[User], Client]


@pytest.mark.parametrize(
    ("fields", "there", "missing"),
    [
        ({"error_kind": "auth", "http_status": 401}, "The key was not accepted", "Try again"),
        ({"error_kind": "rate_limited", "retry_after_s": 7.0}, "data-until=", "Open my keys"),
        ({"error_kind": "upstream_unavailable"}, "Try again", "Open my keys"),
        ({"error_kind": "never heard of"}, "Something went wrong", "Open my keys"),
    ],
)
def test_a_failure_says_what_it_is_and_offers_what_helps(
    sign_in: SignIn, owner: User, answer: Turn, fields: dict[str, Any], there: str, missing: str
) -> None:
    finish(Run.objects.get(), "failed", "", error_message="<b>upstream</b> words", **fields)
    html = sign_in(owner).get(reverse("chat:turn", args=[answer.pk])).content.decode()
    assert there in html
    assert missing not in html
    assert "&lt;b&gt;upstream&lt;/b&gt; words" in html


def test_the_details_to_copy_hold_no_key_and_no_prompt(sign_in: SignIn, owner: User, answer: Turn) -> None:
    finish(Run.objects.get(), "failed", "Half", error_kind="network", request_id="req-1", http_status=502)
    html = sign_in(owner).get(reverse("chat:turn", args=[answer.pk])).content.decode()
    copied = html.split('data-copy-text="')[1].split('"')[0]
    assert "request id: req-1" in copied
    assert "status: 502" in copied
    assert "Why?" not in copied
    assert "4f2a" not in copied


@pytest.mark.parametrize(
    ("status", "reason", "offered"),
    [
        ("stopped", "", True),
        ("interrupted", "", True),
        ("finished", "length", True),
        ("finished", "stop", False),
    ],
)
def test_a_cut_answer_can_be_continued(
    sign_in: SignIn, owner: User, answer: Turn, status: str, reason: str, offered: bool
) -> None:
    finish(Run.objects.get(), status, "Half of it", reason=reason)
    html = sign_in(owner).get(reverse("chat:turn", args=[answer.pk])).content.decode()
    assert (reverse("chat:go-on", args=[answer.pk]) in html) is offered


def test_unknown_figures_are_not_told_and_never_zero(sign_in: SignIn, owner: User, answer: Turn) -> None:
    html = sign_in(owner).get(reverse("chat:turn", args=[answer.pk])).content.decode()
    assert "<dt>Tokens</dt><dd>not told</dd>" in html
    Run.objects.update(input_tokens=1240, output_tokens=0, cache_read_tokens=1000)
    html = sign_in(owner).get(reverse("chat:turn", args=[answer.pk])).content.decode()
    assert "1,240" in html
    assert "1,000 read from cache" in html
    assert "<dt>Out</dt><dd>0" in html


def test_the_model_that_answered_is_named_when_it_is_another(
    sign_in: SignIn, owner: User, answer: Turn
) -> None:
    Run.objects.update(served_model="m-1-anyint")
    assert (
        "answered by m-1-anyint"
        in sign_in(owner).get(reverse("chat:turn", args=[answer.pk])).content.decode()
    )


def test_reasoning_refusals_and_tool_calls_are_shown_as_such(
    sign_in: SignIn, owner: User, answer: Turn
) -> None:
    Turn.objects.filter(pk=answer.pk).update(
        parts=[
            {"kind": "thinking", "text": "Hm.", "ms": 1200},
            {"kind": "refusal", "text": "No."},
            {"kind": "tool_call", "text": '{"city": "Oslo"}', "name": "weather", "call_id": "c1"},
        ]
    )
    html = sign_in(owner).get(reverse("chat:turn", args=[answer.pk])).content.decode()
    assert '<details class="part fold part-thinking"' in html
    assert "1.20 s" in html
    assert "The model refused" in html
    assert '<code class="part-name">weather</code>' in html
    assert "Oslo" in html


def test_an_image_by_address_is_a_link_and_never_fetched(
    sign_in: SignIn, owner: User, answer: Turn, chosen: dict[str, Any]
) -> None:
    images = [{"url": "https://example.com/cat.png", "alt": "A cat"}]
    turns.ask(answer.conversation, owner, turn_id=uuid.uuid4(), text="Look", images=images, settings=chosen)
    page = sign_in(owner).get(reverse("chat:show", args=[answer.conversation_id])).content.decode()
    assert 'href="https://example.com/cat.png"' in page
    assert 'src="https://example.com' not in page


def test_the_response_shows_the_content_as_it_came_without_its_bytes(
    sign_in: SignIn, owner: User, answer: Turn
) -> None:
    answer.native = json.dumps([{"type": "text", "text": "<b>Because.</b>"}, {"data": "A" * 4000}])
    answer.save()
    html = sign_in(owner).get(reverse("chat:details", args=[answer.pk])).content.decode()
    assert "Content, as it came" in html
    assert "&lt;b&gt;Because.&lt;/b&gt;" in html
    assert "4,000 characters" in html and "A" * 100 not in html
