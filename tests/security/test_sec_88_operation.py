"""What stands when something under the site is away, and what a change of secrets leaves alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.conf import settings

from playground.chat import relay
from tests._servers import cast
from tests._servers.processes import PATIENCE_S, until
from tests._servers.site import Site, Visitor
from tests._servers.stores import Postgres
from tests.chat.talk import ask
from tests.faults.standing import answered, words

MakeSite = Callable[..., Site]
SignedIn = Callable[..., Visitor]


@pytest.mark.postgres
@pytest.mark.redis
def test_sec_88_without_its_database_a_process_lives_but_is_not_ready(
    site: MakeSite, signed_in: SignedIn, postgres: Postgres
) -> None:
    place = site("production")
    visitor = signed_in(place)
    name = place.env["DATABASE_URL"].rpartition("/")[2]
    postgres.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    ready = httpx.get(f"{place.url}/readyz", timeout=PATIENCE_S)
    assert (ready.status_code, ready.json()["database"], ready.json()["vault"]) == (503, False, True)
    assert httpx.get(f"{place.url}/livez", timeout=PATIENCE_S).status_code == 200

    # 93: a page in plain words with the request's id, and nothing of what is underneath.
    page = visitor.get("/chat/", headers={"X-Request-ID": "given-by-the-proxy"})
    assert page.status_code == 500
    assert "Something broke on our side" in page.text
    assert "given-by-the-proxy" in page.text
    for inside in ("Traceback", "psycopg", name, "127.0.0.1"):
        assert inside not in page.text

    postgres.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
    assert httpx.get(f"{place.url}/readyz", timeout=PATIENCE_S).status_code == 200
    assert visitor.get("/chat/").status_code == 200


@pytest.mark.parametrize("broken", ["migrations", "vault", "draining"])
def test_sec_88_readiness_names_what_is_missing(
    db: None, client: Any, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broken == "migrations":
        plan = "django.db.migrations.executor.MigrationExecutor.migration_plan"
        monkeypatch.setattr(plan, lambda self, targets: ["one to do"])
    elif broken == "vault":
        monkeypatch.setattr(settings, "VAULT_KEYS", "broken")
    else:
        monkeypatch.setattr(relay, "draining", lambda: True)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    name = {"migrations": "database", "vault": "vault", "draining": "accepting"}[broken]
    assert [check for check, well in answer.json().items() if not well] == [name]
    assert client.get("/livez").status_code == 200


def test_sec_10_another_secret_key_ends_no_session_and_touches_no_gateway_key(
    site: MakeSite, signed_in: SignedIn, mode: str
) -> None:
    place = site(mode)
    visitor = signed_in(place)
    old = place.env["SECRET_KEY"]
    place.env |= {"SECRET_KEY": secrets.token_urlsafe(50), "SECRET_KEY_FALLBACKS": old}
    place.restart("web")
    assert visitor.get("/chat/").url.path == "/chat/"
    asked = ask(visitor, "demo-chat")
    until(lambda: "data-live" not in asked.html())
    assert answered(asked.html())


def test_sec_10_without_the_old_one_people_sign_in_again_and_their_keys_still_open(
    site: MakeSite, signed_in: SignedIn
) -> None:
    place = site("embedded")
    visitor = signed_in(place)
    place.env |= {"SECRET_KEY": secrets.token_urlsafe(50)}
    place.restart("web")
    assert visitor.get("/chat/").url.path == "/account/login/"
    again = signed_in(place, cast.address(cast.OWNER))
    page = words(again.get("/settings/keys/").text)
    assert "Cannot be used" not in page
    assert "Demo" in page
