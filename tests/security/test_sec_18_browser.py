"""What the browser is told: cookies, headers on everything, and where it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests._servers import cast
from tests._servers.processes import PATIENCE_S
from tests._servers.site import Visitor
from tests.faults.standing import HTMX, Standing

HTTPS = {
    "SITE_URL": "https://playground.example",
    "ALLOWED_HOSTS": "playground.example",
    "SSL_REDIRECT": "no",
    "TRUSTED_PROXIES": "1",
}
FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9", "Host": "playground.example"}
REQUIRED = {
    "content-security-policy": r"default-src 'none'; .*frame-ancestors 'none'|sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": r"camera=\(\)",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": ".+",
    "x-request-id": r"[\w.-]{8,64}",
}


@pytest.fixture
def https(site: Callable[..., Any]) -> str:
    """The address of a site that is served over HTTPS by somebody in front of it."""
    url: str = site("embedded", **HTTPS).url
    return url


def test_sec_18_cookies_are_for_this_host_over_https_and_out_of_reach_of_scripts(https: str) -> None:
    with httpx.Client(base_url=https, headers=FORWARDED, timeout=PATIENCE_S) as client:
        page = client.get("/account/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        csrf = page.headers["Set-Cookie"]
        assert token
        answer = client.post(
            "/account/login/",
            data={
                "login": cast.address(cast.OWNER),
                "password": cast.PASSWORD,
                "csrfmiddlewaretoken": token[1],
            },
            headers={
                "Cookie": csrf.partition(";")[0],
                "Referer": "https://playground.example/account/login/",
            },
        )
    assert answer.status_code == 302
    cookies = [csrf, *answer.headers.get_list("set-cookie")]
    assert {cookie.partition("=")[0] for cookie in cookies} >= {"__Host-csrf", "__Host-session"}
    for cookie in cookies:
        flags = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= flags, cookie
        assert not any(flag.startswith("domain") for flag in flags)


def test_sec_27_https_is_asked_for_from_then_on(https: str) -> None:
    answer = httpx.get(f"{https}/account/login/", headers=FORWARDED, timeout=PATIENCE_S)
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains; preload"


def missing_headers(answer: httpx.Response) -> list[str]:
    return [
        f"{name}: {answer.headers.get(name)}"
        for name, pattern in REQUIRED.items()
        if not re.match(pattern, answer.headers.get(name, ""))
    ]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/chat/", 200),
        ("/livez", 200),
        ("/readyz", 200),
        ("/nothing", 404),
        ("/chat/00000000-0000-4000-8000-000000000000/", 404),
        ("/chat/draft", 404),
        ("/settings/team/", 405),
        ("/account/logout/", 200),
    ],
)
def test_sec_27_pages_and_errors_carry_every_header(standing: Any, path: str, status: int) -> None:
    answer = standing("embedded").visitor().get(path)
    assert answer.status_code == status
    assert missing_headers(answer) == []


def test_sec_27_so_do_forms_that_were_refused_and_redirects(standing: Any) -> None:
    there: Standing = standing("embedded")
    with httpx.Client(base_url=there.place.url, timeout=PATIENCE_S) as nobody:
        for answer in (
            nobody.get("/chat/"),
            nobody.post("/chat/"),
            nobody.get("/", headers={"Host": "evil"}),
        ):
            assert answer.status_code in (302, 400, 403)
            assert missing_headers(answer) == []


def test_sec_27_so_does_a_stream(standing: Any) -> None:
    with standing("embedded").visitor().stream("GET", "/chat/live") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        assert missing_headers(answer) == []


def test_sec_27_so_do_static_files(standing: Any) -> None:
    visitor = standing("embedded").visitor()
    page = visitor.get("/chat/").text
    files = sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page)))
    assert files
    for path in files:
        answer = visitor.get(path)
        assert answer.status_code == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", path
        assert "immutable" in answer.headers["Cache-Control"], path


def test_sec_27_so_does_a_refusal_of_too_large_a_request(standing: Any) -> None:
    answer = standing("embedded").visitor().post("/chat/upload", content=bytes(33 * 2**20))
    assert answer.status_code == 413
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "/\t/evil.example",
    "\n//evil.example",
    " //evil.example",
    "%2f%2fevil.example",
    "//evil.example%2f..",
    "http://[::1",
    "https://evil.example#testserver",
    "ftp://testserver/",
]


def leads_away(target: str) -> bool:
    cleaned = re.sub(r"[\t\n\r]", "", target).strip().replace("\\", "/")
    parts = urlsplit(cleaned)
    return bool(parts.netloc and parts.netloc != "testserver") or parts.scheme not in ("", "http")


@pytest.mark.parametrize("target", ELSEWHERE)
def test_sec_26_no_door_leads_off_the_site(client: Client, owner: User, target: str) -> None:
    places = []
    fields = {"login": owner.email, "password": cast.PASSWORD, "next": target}
    query = f"?next={quote(target)}"
    places.append(client.post(reverse("account_login") + query, fields))
    # Signed in now: the same door passes on at once.
    places.append(client.get(reverse("account_login") + query))
    for htmx in ({}, HTMX):
        headers = {"Referer": target.replace("\n", "").replace("\t", ""), **htmx}
        places.append(client.post(reverse("set-theme"), {"theme": "dark", "next": target}, headers=headers))
        places.append(client.post(reverse("set-theme"), {"theme": "dark"}, headers=headers))
    places.append(client.post(reverse("account_logout") + query, {"next": target}))
    for answer in places:
        for name in ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url"):
            assert not leads_away(answer.headers.get(name, "")), answer.headers


def test_sec_26_the_search_for_ways_off_the_site_sees_them() -> None:
    assert leads_away("//evil.example")
    assert leads_away("/\\evil.example")
    assert not leads_away("/chat/?next=//evil.example")


def test_sec_24_a_forged_address_evades_no_limit(client: Client, owner: User) -> None:
    """No proxy is trusted by default: what a header says of the visitor's address counts for nothing."""
    answers = []
    for number in range(40):
        # Another account each time: what is left to count is the address they come from.
        fields = {"login": f"somebody-{number}@example.com", "password": "wrong"}
        headers = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}"}
        answers.append(client.post(reverse("account_login"), fields, headers=headers))
    assert answers[-1].status_code == 429


@pytest.mark.postgres
@pytest.mark.redis
def test_sec_23_signing_in_works_without_redis(site: Callable[..., Any]) -> None:
    """Attempts cannot be counted then, which the log says; nobody is locked out."""
    place = site("production", REDIS_URL="redis://127.0.0.1:1/0")
    with Visitor(place.url) as visitor:
        visitor.get("/account/login/")
        wrong = {"login": cast.address(cast.OWNER), "password": "not the password"}
        assert visitor.post("/account/login/", data=wrong).status_code == 200
        fields = {"login": cast.address(cast.OWNER), "password": cast.PASSWORD}
        assert visitor.post("/account/login/", data=fields).url.path == "/chat/"
    assert "attempts to sign in are not counted" in place.log().read_text()
