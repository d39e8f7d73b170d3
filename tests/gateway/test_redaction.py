"""Keys leave no trace, however they are written."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway.redaction import redact, remember

secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60)
surroundings = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SPELLINGS = {
    "as it is": lambda secret: secret,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "percent": lambda secret: quote(secret, safe=""),
    "form": lambda secret: quote_plus(secret),
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "hex": lambda secret: secret.encode().hex(),
    "HEX": lambda secret: secret.encode().hex().upper(),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@settings(max_examples=60, deadline=None)
@given(secrets, surroundings, surroundings)
def test_a_remembered_secret_is_hidden_anywhere_in_any_spelling(spelling, secret, before, after):
    remember(secret)
    assert spelling(secret) not in redact(f"{before}{spelling(secret)}{after}")


@settings(max_examples=60, deadline=None)
@given(secrets, st.binary(max_size=7), st.binary(max_size=7))
def test_a_secret_inside_the_base64_of_something_longer_is_hidden(secret, before, after):
    remember(secret)
    hidden = redact(base64.b64encode(before + secret.encode() + after).decode())
    assert "[hidden]" in hidden
    # Only the characters that the secret shares with its neighbours may stay.
    assert len(hidden.replace("[hidden]", "")) <= len(base64.b64encode(before + after)) + 8


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: [hidden]"),
        ("{'authorization': 'Bearer abc def', 'a': 1}", "{'authorization': '[hidden]', 'a': 1}"),
        ('{"x-api-key":"abc\\"d","b":2}', '{"x-api-key":"[hidden]","b":2}'),
        ("X-Goog-Api-Key=abc; next", "X-Goog-Api-Key=[hidden]; next"),
        ("(b'x-api-key', b'abc')", "(b'x-api-key', b'[hidden]')"),
        (r"{\"authorization\": \"Bearer abc\", 1}", r"{\"authorization\": \"[hidden]\", 1}"),
        ("GET /v1?key=abc123&alt=sse", "GET /v1?key=[hidden]&alt=sse"),
        ("Incorrect key provided: sk-plan-0123abcd.", "Incorrect key provided: [hidden]."),
        ("sent bearer abcdefgh12345678ijkl ok", "sent bearer [hidden] ok"),
    ],
)
def test_what_looks_like_a_key_is_hidden_without_being_known(text, hidden):
    assert redact(text) == hidden


@pytest.mark.parametrize(
    "text", ["risk-management of task-abcdefghij", "a bearer token is needed", "?monkey=1", ""]
)
def test_ordinary_words_stay(text):
    assert redact(text) == text


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_hiding_twice_changes_nothing_more(text):
    once = redact(text)
    assert redact(once) == once


def test_a_secret_too_short_to_be_one_is_not_remembered():
    remember("abc")
    assert redact("abc") == "abc"


def test_a_web_token_is_hidden_and_what_only_begins_like_one_stays():
    assert redact("id eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbg end") == "id [hidden] end"
    assert redact('{"image": "eyJhbGciOiJIUzI1NiJ9"}') == '{"image": "eyJhbGciOiJIUzI1NiJ9"}'
    assert redact("eyJhbGciOiJI-sk-0123456789") == "eyJhbGciOiJI-[hidden]"


def test_a_megabyte_of_beginnings_of_web_tokens_is_read_in_one_go():
    # Looked at from each of its beginnings, this would take hours.
    beginnings = "eyJ-" * 250_000
    assert redact(beginnings) == beginnings
