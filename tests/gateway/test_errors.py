"""Answers that are errors: every sample has its kind, every wait is read, nothing foreign leaks through."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway import errors
from playground.gateway.errors import KINDS, GatewayError
from playground.gateway.redaction import remember

SAMPLES = Path(__file__).parents[1] / "wire" / "errors"
NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
EXPECTED = {
    "anthropic-400": (400, "invalid_request"),
    "anthropic-401": (401, "auth"),
    "anthropic-402": (402, "quota"),
    "anthropic-403": (403, "permission"),
    "anthropic-404": (404, "not_found"),
    "anthropic-413": (413, "too_large"),
    "anthropic-429": (429, "rate_limited"),
    "anthropic-500": (500, "upstream_unavailable"),
    "anthropic-504": (504, "timeout"),
    "anthropic-529": (529, "upstream_unavailable"),
    "anyint-400": (400, "invalid_request"),
    "anyint-401": (401, "auth"),
    "anyint-402-quota": (402, "quota"),
    "anyint-403-model": (403, "permission"),
    "anyint-404": (404, "not_found"),
    "anyint-429": (429, "rate_limited"),
    "anyint-502-upstream": (502, "upstream_unavailable"),
    "anyint-503": (503, "upstream_unavailable"),
    "dashscope-400-arrearage": (400, "quota"),
    "dashscope-400": (400, "invalid_request"),
    "dashscope-401": (401, "auth"),
    "dashscope-403": (403, "permission"),
    "dashscope-404": (404, "not_found"),
    "dashscope-429": (429, "rate_limited"),
    "dashscope-500": (500, "upstream_unavailable"),
    "gemini-400": (400, "invalid_request"),
    "gemini-401": (401, "auth"),
    "gemini-403": (403, "permission"),
    "gemini-404": (404, "not_found"),
    "gemini-429": (429, "rate_limited"),
    "gemini-500": (500, "upstream_unavailable"),
    "gemini-503": (503, "upstream_unavailable"),
    "gemini-504": (504, "timeout"),
    "litellm-style-429": (429, "rate_limited"),
}


def answer(status, body=b"", **headers):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return errors.from_response(status, {k.replace("_", "-"): v for k, v in headers.items()}, text, NOW)


def test_no_sample_is_left_out():
    names = {path.stem for path in SAMPLES.glob("*.json")} - {"retry-after-headers"}
    assert names == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_error_has_its_kind_and_upstreams_words(name):
    status, kind = EXPECTED[name]
    body = json.loads((SAMPLES / f"{name}.json").read_text())
    error = answer(status, body)
    assert error.kind == kind
    assert error.status == status
    assert error.message == (body.get("error") or body)["message"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": {"code": "content_policy_violation", "message": "No"}}, "content_policy"),
        (400, {"code": "DataInspectionFailed", "message": "No", "request_id": "r"}, "content_policy"),
        (400, {"error": {"code": "context_length_exceeded", "message": "Too long"}}, "invalid_request"),
        (400, {"error": {"status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}, "auth"),
        (403, {"error": {"code": "model_not_available"}}, "permission"),
        (403, {"error": {"code": "insufficient_user_quota"}}, "quota"),
        (409, {}, "conflict"),
        (408, {}, "timeout"),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, "invalid_request"),
        (418, b"", "invalid_request"),
        (
            429,
            {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}},
            "quota",
        ),
        (429, {"error": {"message": "Monthly quota used up"}}, "quota"),
        (429, {"error": {"message": "Rate limit reached for your balance tier"}}, "rate_limited"),
        (429, {"code": "Throttling.AllocationQuota", "message": "Allocated quota exceeded"}, "quota"),
        (429, {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"}, "rate_limited"),
        (430, b"", "rate_limited"),
        (500, b"", "upstream_unavailable"),
        (302, b"", "protocol"),
        (204, b"", "unknown"),
    ],
)
def test_status_and_words_together_make_the_kind(status, body, kind):
    assert answer(status, body).kind == kind


def test_an_html_page_from_a_proxy_is_shown_without_its_tags():
    page = b"<!doctype html><style>p{}</style><h1>502 Bad Gateway</h1><script>alert(1)</script><p>nginx"
    error = answer(502, page)
    assert (error.kind, error.message) == ("upstream_unavailable", "502 Bad Gateway nginx")


def test_a_redirect_says_that_it_is_not_followed():
    error = answer(307, b"", location="https://elsewhere.example.test/?key=abc")
    assert error.kind == "protocol"
    assert "redirect (307)" in error.message
    assert "elsewhere" not in error.message


def test_the_message_is_short_and_holds_no_key():
    error = answer(
        401, {"error": {"message": "Wrong key sk-abcdef0123456789 " + "x" * 2000, "code": "sk-abcdef0123456"}}
    )
    assert len(error.message) == 500
    assert "sk-abcdef" not in f"{error} {error!r} {error.args} {error.code}"


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "X-LiteLLM-Call-Id"])
def test_the_request_id_is_kept(name):
    assert errors.from_response(500, {name: "req-1"}, b"", NOW).request_id == "req-1"


def test_the_request_id_may_be_in_the_body():
    assert answer(500, {"request_id": "req-2", "code": "InternalError", "message": "x"}).request_id == "req-2"


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ({"error": {"message": "m", "code": "502"}}, "upstream_unavailable"),
        ({"error": {"message": "m", "code": 429}}, "rate_limited"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, "upstream_unavailable"),
        ({"type": "invalid_request_error", "code": "insufficient_quota", "message": "m"}, "quota"),
        ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "m"}}, "rate_limited"),
        ({"error": "m"}, "unknown"),
        ("m", "unknown"),
        ({"error": {"message": "m"}}, "unknown"),
    ],
)
def test_an_error_inside_a_200_is_told_apart_by_its_words(shape, kind):
    error = errors.from_error_object(shape)
    assert (error.kind, error.message, error.status) == (kind, "m", None)


@pytest.mark.parametrize("case", json.loads((SAMPLES / "retry-after-headers.json").read_text()), ids=str)
def test_the_recorded_waits_are_read(case):
    expected = 30.0 if case["wait_seconds"] == "until that instant" else case["wait_seconds"]
    assert errors.wait_s(case["headers"], b"", NOW) == expected


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e300"}, 86_400.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:09 -0000"}, 9.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7.0),
    ],
)
def test_a_wait_is_read_in_order_and_clamped(headers, wait):
    assert errors.wait_s(headers, b"", NOW) == wait


def test_geminis_wait_is_inside_the_body():
    body = (SAMPLES / "gemini-429.json").read_bytes()
    assert errors.wait_s({}, body, NOW) == 34.0
    assert errors.from_response(429, {}, body, NOW).retry_after_s == 34.0


def test_upstreams_word_on_retrying_is_kept():
    told = [answer(500, b"", x_should_retry=word).should_retry for word in ("true", "false", "maybe")]
    assert told == [True, False, None]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "type", "details", "detail", "status"]), inner
        )
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.integers(200, 600), json_values | st.binary(max_size=60), st.text(max_size=12))
def test_any_answer_becomes_an_error_that_can_be_shown_and_stored(status, body, wait):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = errors.from_response(status, {"Retry-After": wait}, text, NOW)
    assert error.kind in KINDS
    assert len(error.message) <= 500
    for shown in (error.message, error.code, error.request_id, str(error)):
        shown.encode()
        assert "\0" not in shown
    assert error.retry_after_s is None or 0 <= error.retry_after_s <= 86_400
    assert not math.isnan(error.retry_after_s or 0)
    if not isinstance(body, bytes):
        assert errors.from_error_object(body).kind in KINDS


def test_every_class_of_the_contract_has_its_row():
    assert list(KINDS) == [
        "invalid_request",
        "auth",
        "permission",
        "not_found",
        "conflict",
        "too_large",
        "content_policy",
        "quota",
        "rate_limited",
        "upstream_unavailable",
        "timeout",
        "network",
        "interrupted",
        "protocol",
        "unknown",
    ]
    assert all(kind.title and kind.sentence.endswith(".") for kind in KINDS.values())
    assert len({kind.sentence for kind in KINDS.values()}) == len(KINDS)


def test_a_kind_nobody_knows_is_unknown():
    assert GatewayError("weather").about.key == "unknown"


def test_the_answer_of_a_refusal_is_kept_without_keys_and_not_without_end() -> None:
    remember("very-secret-key-1")
    error = errors.from_response(400, {}, b'{"code": 400, "echo": "very-secret-key-1"}', NOW)
    assert b'"code": 400' in error.answer
    assert b"very-secret-key-1" not in error.answer
    assert len(errors.from_response(502, {}, b"x" * 64_000, NOW).answer) == 16 * 1024


def test_a_redirect_says_where_it_leads_and_nothing_else_does() -> None:
    head = {"Location": "https://files.example/a"}
    assert errors.from_response(302, head, b"", NOW).location == "https://files.example/a"
    assert errors.from_response(404, head, b"", NOW).location == ""


def test_an_error_of_another_kind_is_the_same_failure() -> None:
    error = errors.from_response(405, {"retry-after": "7"}, b'{"msg": "Slow down."}', NOW)
    told = error.of_kind("rate_limited", code="405")
    assert (told.kind, told.code, told.status) == ("rate_limited", "405", 405)
    assert (told.message, told.retry_after_s, told.answer) == ("Slow down.", 7, error.answer)
