"""What may be sent again by itself, and when."""

from __future__ import annotations

from random import Random

import pytest

from playground.gateway.errors import GatewayError
from playground.gateway.retry import next_wait


def wait(kind, attempt=1, **fields):
    return next_wait(GatewayError(kind, **fields), attempt, Random(7))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("timeout", {"status": 408}),
        ("conflict", {"status": 409}),
        ("rate_limited", {"status": 429}),
        ("upstream_unavailable", {"status": 500}),
        ("upstream_unavailable", {"status": 502}),
        ("upstream_unavailable", {"status": 503}),
        ("timeout", {"status": 504}),
        ("upstream_unavailable", {"status": 529}),
        ("network", {"code": "reset"}),
        ("timeout", {"code": "connect_timeout"}),
    ],
)
def test_a_passing_fault_is_tried_again(kind, fields):
    assert 0.375 <= wait(kind, **fields) <= 0.5


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("invalid_request", {"status": 400}),
        ("auth", {"status": 401}),
        ("quota", {"status": 402}),
        ("quota", {"status": 429}),
        ("permission", {"status": 403}),
        ("not_found", {"status": 404}),
        ("too_large", {"status": 413}),
        ("invalid_request", {"status": 422}),
        ("content_policy", {"status": 400}),
        ("upstream_unavailable", {"status": 501}),
        ("timeout", {"code": "read_timeout"}),
        ("interrupted", {}),
        ("protocol", {"status": 302}),
        ("upstream_unavailable", {"status": 500, "should_retry": False}),
        ("auth", {"status": 401, "should_retry": True}),
        ("rate_limited", {"status": 429, "retry_after_s": 121.0}),
    ],
)
def test_what_cannot_help_or_could_cost_twice_is_not_tried_again(kind, fields):
    assert wait(kind, **fields) is None


def test_upstream_may_ask_for_a_retry():
    assert wait("unknown", status=418, should_retry=True) is not None


def test_the_wait_that_was_told_is_kept_to():
    assert wait("rate_limited", status=429, retry_after_s=34.0) == 34.0


def test_the_wait_doubles_and_two_retries_are_the_most():
    assert 0.75 <= wait("network", attempt=2) <= 1.0
    assert wait("network", attempt=3) is None
