"""Hostile text through every place that takes text, and files that pretend: shown as text, run nowhere."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import GatewayKey, Team, User
from playground.chat.attachments import clean_name
from playground.chat.models import Attachment, Conversation, Run, Turn
from playground.ops.models import ModelEntry
from tests.chat.hostile import PAYLOADS

HTMX = {"HX-Request": "true"}
SignIn = Callable[[User], Client]
# Elements and attributes that our own pages hold. Everything else came out of a text.
SCRIPT_FREE = {
    "iframe",
    "object",
    "embed",
    "base",
    "style",
    "foreignobject",
    "marquee",
    "math",
    "annotation-xml",
}
HANDLER = re.compile(r"(?i)^on\w+|^hx-on|^srcdoc$|^style$")
LINK = re.compile(r"(?i)^(href|src|action|formaction|xlink:href|data|poster)$")


class Offences(HTMLParser):
    """What a page holds that no template of ours writes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SCRIPT_FREE or (tag == "script" and not dict(attrs).get("src")):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if HANDLER.match(name):
                self.found.append(f"{tag} {name}={value}")
            elif LINK.match(name):
                self._link(tag, name, value or "")

    def _link(self, tag: str, name: str, value: str) -> None:
        cleaned = re.sub(r"[\x00-\x20]", "", value).lower()
        outside = cleaned.startswith(("http://", "https://", "mailto:"))
        ours = re.match(r"[/?#]|$|[\w./-]+$|data:image/svg\+xml", cleaned) and not cleaned.startswith("//")
        if not (ours or (outside and tag == "a")):
            self.found.append(f"{tag} {name}={value}")


def offences(html: str) -> list[str]:
    return Offences(html).found


@pytest.fixture
def page(sign_in: SignIn, owner: User) -> Client:
    return sign_in(owner)


def stored(owner: User, team: Team, payload: str) -> Run:
    """A failed run with the payload in every column that takes text."""
    key = GatewayKey.objects.create(
        owner=owner, team=team, label=payload[:60], base_url="http://127.0.0.1:9", last4=payload[:4]
    )
    settings = {"family": "openai_chat", "model": payload[:255], "key": str(key.pk), "system": payload}
    params = {"stop": {"on": True, "value": [payload]}, "user": {"on": True, "value": payload}}
    talk = Conversation.objects.create(
        team=team, owner=owner, title=payload[:200], settings=settings | {"params": params}
    )
    image = {"kind": "image", "url": "https://example.com/?" + payload, "alt": payload}
    asked = Turn.objects.create(
        conversation=talk, role="user", text=payload, parts=[{"kind": "text", "text": payload}, image]
    )
    kinds = ("thinking", "text", "refusal", "tool_call")
    parts: list[dict[str, Any]] = [{"kind": kind, "text": payload} for kind in kinds]
    parts[-1] |= {"name": payload, "call_id": payload, "text": json.dumps({"a": payload})}
    answer = Turn.objects.create(conversation=talk, parent=asked, role="assistant", text=payload, parts=parts)
    Conversation.objects.filter(pk=talk.pk).update(leaf=answer)
    ModelEntry.objects.create(key=key, family="openai_chat", model_id=payload[:255], name=payload[:255])
    Attachment.objects.create(
        team=team, sha256="1" * 64, media_type="image/png", size=1, file="x.png", name=payload[:200]
    )
    return Run.objects.create(
        team=team,
        user=owner,
        key=key,
        conversation=talk,
        asked=asked,
        answer=answer,
        family="openai_chat",
        model=payload[:255],
        served_model=payload[:255],
        status="failed",
        ended_at=timezone.now(),
        error_kind="unknown",
        error_message=payload,
        error_code=payload[:100],
        request_id=payload[:200],
        upstream_id=payload[:200],
        reason=payload[:20],
        raw_reason=payload[:100],
        http_status=400,
        params={"system": payload, "params": {payload: payload}},
        attempts=[{"ms": 1, "status": 400, "error": payload, "request_id": payload}],
    )


def views(run: Run) -> list[tuple[str, dict[str, str]]]:
    assert run.answer
    assert run.key
    talk = run.conversation
    return [
        (reverse("chat:show", args=[talk.pk]), {}),
        (reverse("chat:thread", args=[talk.pk]), {}),
        (reverse("chat:turn", args=[run.answer.pk]), {}),
        (reverse("chat:turn", args=[run.asked_id]), {}),
        (reverse("chat:details", args=[run.answer.pk]), {}),
        (reverse("chat:edit", args=[run.asked_id]), {}),
        (reverse("chat:rename", args=[talk.pk]), {}),
        (reverse("chat:delete", args=[talk.pk]), {}),
        (reverse("chat:list"), {}),
        (reverse("chat:list"), {"q": talk.title}),
        (reverse("find"), {"q": talk.title}),
        (reverse("activity"), {}),
        (reverse("model-options"), {"key": str(run.key.pk)}),
        (reverse("model-options"), {"key": str(run.key.pk), "q": talk.title, "selected": talk.title}),
        (reverse("keys"), {}),
    ]


HOSTILE = [payload for payload in PAYLOADS if payload.strip()][::8]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_sec_40_hostile_text_is_text_on_every_page(
    page: Client, owner: User, team: Team, number: int
) -> None:
    payload = HOSTILE[number].replace("\0", "\u2400").encode("utf-8", "replace").decode()
    run = stored(owner, team, payload)
    for url, query in views(run):
        for headers in (HTMX, None):
            answer = page.get(url, query, headers=headers)
            assert answer.status_code == 200, url
            assert offences(answer.content.decode()) == [], url


def test_sec_40_a_refused_form_gives_hostile_text_back_as_text(page: Client, key: GatewayKey) -> None:
    for payload in HOSTILE:
        fields = {"text": payload, "model": payload, "system": payload, "key": payload, "p-stop": payload}
        for headers in (HTMX, None):
            url = reverse("chat:ask", args=["7b2f8a52-1111-4222-8333-944455556666"])
            answer = page.post(
                url, fields | {"on-max_tokens": "on", "p-max_tokens": payload}, headers=headers
            )
            assert answer.status_code == 422
            assert offences(answer.content.decode()) == []
        answer = page.post(reverse("keys"), {"label": payload, "base_url": payload, "secret": payload})
        assert offences(answer.content.decode()) == []


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='java\tscript:alert(1)'>x</a>",
        "<p style='x'>",
        "<a href='//evil.example'>",
        "<img src='https://evil.example/x.png'>",
        "<form action='https://evil.example'>",
        "<div hx-on:click='x'>",
    ],
)
def test_the_inspector_sees_an_offence(html: str) -> None:
    assert offences(html)


@pytest.mark.parametrize(
    "kind", ["image/svg+xml", "text/html", "application/pdf", "application/x-unknown", ""]
)
def test_sec_43_a_file_of_another_kind_is_only_ever_downloaded(
    page: Client, owner: User, team: Team, kind: str, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "x").write_bytes(b"<svg onload=alert(1)>")
    row = Attachment.objects.create(
        team=team, user=owner, sha256="2" * 64, media_type=kind, size=1, file="x", name="x.svg"
    )
    answer = page.get(reverse("chat:attachment", args=[row.pk]))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@given(st.text(max_size=300))
def test_sec_44_any_file_name_becomes_one_that_is_safe_to_show_and_save(name: str) -> None:
    shown = clean_name(name)
    assert 0 < len(shown) <= 100
    assert not re.search(r'[/\\<>:"|?*]', shown)
    assert not shown.startswith(".")
    assert all(unicodedata.category(sign)[0] != "C" for sign in shown)
    assert clean_name(shown) == shown
