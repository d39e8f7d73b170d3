"""The tests' own servers: each is a real process that answers."""

from __future__ import annotations

import httpx
import psycopg
import pytest
import redis
from django.conf import settings

from tests._servers.processes import PATIENCE_S
from tests._servers.stores import Postgres


@pytest.mark.postgres
def test_the_tests_bring_their_own_postgresql(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url("postgres")) as connection:
        assert connection.execute("select 40 + 2").fetchone() == (42,)


@pytest.mark.redis
def test_the_tests_bring_their_own_redis(redis_server: str) -> None:
    with redis.Redis.from_url(redis_server) as client:
        assert client.ping()


def test_the_demo_gateway_lists_its_models_to_its_key_alone(demo: str) -> None:
    with httpx.Client(base_url=demo, timeout=PATIENCE_S) as client:
        answer = client.get("/openai/v1/models", headers={"authorization": "Bearer demo-key"})
        refused = client.get("/openai/v1/models", headers={"authorization": "Bearer another"})
    assert (answer.status_code, refused.status_code) == (200, 401)


def test_no_test_sees_the_data_of_the_checkout() -> None:
    assert not settings.DATA_DIR.is_relative_to(settings.BASE_DIR)
    assert settings.EMBEDDED
