"""A gateway address typed by a person, joined with a family's path."""

from __future__ import annotations

import pytest

from playground.gateway.errors import GatewayError
from playground.gateway.transport import join

PATH = "/openai/v1/chat/completions"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.test",
        "ftp://example.test",
        "https://",
        "https://me:pass@example.test",
        "https://a.test?x=1",
    ]
    + ["https://a.test/#f", "http://[::1", "http://a.test:99999", "javascript:alert(1)"],
)
def test_what_is_no_gateway_address_is_refused(url):
    with pytest.raises(GatewayError) as caught:
        join(url, PATH)
    assert caught.value.code == "bad_address"


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("https://a.test", f"https://a.test{PATH}"),
        ("https://a.test/", f"https://a.test{PATH}"),
        (" http://a.test:8001/base// ", f"http://a.test:8001/base{PATH}"),
        ("http://[::1]:8001", f"http://[::1]:8001{PATH}"),
    ],
)
def test_a_path_is_joined_to_any_base(base, address):
    assert join(base, PATH) == address
