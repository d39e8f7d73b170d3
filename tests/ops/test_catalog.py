"""What a key can see: refreshed whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import GatewayKey, Membership, Role, Team, User
from playground.gateway.transport import Transport
from playground.ops import catalog, tasks
from playground.ops.models import ModelEntry
from tests._servers import cast
from tests.ops.gateway import Gateway

MakeKey = Callable[..., GatewayKey]


def ids(key: GatewayKey, **about: Any) -> list[str]:
    return list(ModelEntry.objects.filter(key=key, **about).order_by("pk").values_list("model_id", flat=True))


def test_the_list_is_kept_in_the_gateways_order_with_the_result(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    key, now = make_key(), timezone.now()
    gateway.lists("zeta", ("alpha/one", "Alpha"), "beta")
    outcome = catalog.refresh(key, transport, now)
    assert (outcome.ok, outcome.count, outcome.sentence) == (True, 3, "3 models.")
    assert ids(key) == ["zeta", "alpha/one", "beta"]
    assert ModelEntry.objects.get(model_id="alpha/one").name == "Alpha"
    assert gateway.keys == ["sk-of-the-test-0000"]
    key.refresh_from_db()
    assert (key.tested_at, key.test_passed, key.test_result) == (now, True, "3 models.")


def test_all_pages_are_read(gateway: Gateway, make_key: MakeKey, transport: Transport) -> None:
    key = make_key()
    gateway.lists(*[f"model-{number}" for number in range(45)], per_page=20)
    assert catalog.refresh(key, transport, timezone.now()).count == 45
    assert len(gateway.keys) == 3


def test_a_gateway_that_pages_in_a_circle_comes_to_an_end(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    body = {"data": [{"id": "a"}], "has_more": True, "last_id": "a"}
    gateway.fails(200, body)
    outcome = catalog.refresh(make_key(), transport, timezone.now())
    assert (outcome.count, outcome.complete, len(gateway.keys)) == (1, True, 2)


def test_a_vanished_model_is_marked_gone_and_a_returned_one_is_not(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    key, now = make_key(), timezone.now()
    gateway.lists("stays", "goes")
    catalog.refresh(key, transport, now)
    gateway.lists("stays", "comes")
    catalog.refresh(key, transport, now + timedelta(hours=1))
    assert ids(key, gone_at=now + timedelta(hours=1)) == ["goes"]
    catalog.refresh(key, transport, now + timedelta(hours=2))
    assert ids(key, gone_at=now + timedelta(hours=1)) == ["goes"]
    gateway.lists("stays", "comes", "goes")
    catalog.refresh(key, transport, now + timedelta(hours=3))
    assert ids(key, gone_at=None) == ["stays", "goes", "comes"]
    assert ModelEntry.objects.get(model_id="goes").first_seen == now
    assert ids(key, last_seen=now + timedelta(hours=3)) == ["stays", "goes", "comes"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "passed"),
    [
        (401, {"error": {"message": "no"}}, "auth", False),
        (403, {"error": {"message": "no"}}, "permission", False),
        (429, {"error": {"message": "slow down"}}, "rate_limited", None),
        (502, b"<html>Bad gateway</html>", "upstream_unavailable", None),
        (302, b"", "protocol", None),
        (200, b"not json", "protocol", None),
        (200, {"error": {"message": "x", "code": "insufficient_quota"}}, "quota", None),
    ],
)
def test_a_failed_refresh_changes_no_row_and_says_what_happened(
    gateway: Gateway,
    make_key: MakeKey,
    transport: Transport,
    status: int,
    body: Any,
    kind: str,
    passed: bool | None,
) -> None:
    key, now = make_key(), timezone.now()
    gateway.lists("one", "two")
    catalog.refresh(key, transport, now)
    before = list(ModelEntry.objects.values())
    gateway.fails(status, body, Location="http://127.0.0.1:1/elsewhere", X_Request_ID="req-12345678")
    outcome = catalog.refresh(key, transport, now + timedelta(hours=1))
    assert (outcome.ok, outcome.error_kind) == (False, kind)
    assert list(ModelEntry.objects.values()) == before
    key.refresh_from_db()
    assert key.test_passed is passed
    assert key.test_result == outcome.sentence
    assert key.test_result.endswith(".")


def test_a_list_that_breaks_off_on_its_second_page_changes_no_row(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    key = make_key()
    gateway.lists("a", "b", "c", per_page=2)
    whole = gateway.answer
    gateway.answer = lambda query: (500, {}, b"") if query.get("after_id") else whole(query)
    assert not catalog.refresh(key, transport, timezone.now()).ok
    assert ids(key) == []


def test_the_wait_the_gateway_asks_for_is_told(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    gateway.fails(429, {"error": {"message": "slow down"}}, Retry_After="30", X_Request_ID="req-12345678")
    outcome = catalog.refresh(make_key(), transport, timezone.now())
    assert "wait 30 s." in outcome.sentence
    assert outcome.request_id == "req-12345678"


def test_an_unreachable_gateway_is_told(
    make_key: MakeKey, transport: Transport, settings: LazySettings
) -> None:
    key = make_key()
    GatewayKey.objects.update(base_url="http://127.0.0.1:1")
    settings.GATEWAY_URLS = ["http://127.0.0.1:1"]
    key.refresh_from_db()
    assert catalog.refresh(key, transport, timezone.now()).error_kind == "network"


def test_an_address_that_is_no_longer_listed_gets_no_request(
    gateway: Gateway, make_key: MakeKey, transport: Transport, settings: LazySettings
) -> None:
    key = make_key()
    settings.GATEWAY_URLS = ["https://gateway.example"]
    outcome = catalog.refresh(key, transport, timezone.now())
    assert outcome.error_kind == "address"
    assert gateway.keys == []


def test_a_key_that_cannot_be_opened_says_what_to_do(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    key = make_key()
    key.sealed = b"\x01\x02damaged"
    outcome = catalog.refresh(key, transport, timezone.now())
    assert "Paste the key again" in outcome.sentence
    assert gateway.keys == []


def test_an_answer_for_a_key_that_was_rotated_meanwhile_is_thrown_away(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    key = make_key()
    gateway.lists("of-the-old-key")
    GatewayKey.objects.update(rotated_at=timezone.now())
    catalog.refresh(key, transport, timezone.now())
    assert ids(key) == []
    key.refresh_from_db()
    assert key.tested_at is None


def test_three_thousand_rows_take_no_more_statements_than_thirty(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    few, many = make_key("Few"), make_key("Many")
    now = timezone.now()

    def statements(key: GatewayKey, count: int) -> int:
        gateway.lists(*[f"model-{number:05}" for number in range(count)])
        catalog.refresh(key, transport, now)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert catalog.refresh(key, transport, now).count == count
        return len(queries)

    assert statements(few, 30) == statements(many, 3000)
    with CaptureQueriesContext(connection) as queries:
        gateway.lists("only-one")
        catalog.refresh(many, transport, now)
    # One row tells of each that went; SQLite takes some 140 of them in a statement.
    assert len(queries) < 50
    assert ModelEntry.objects.filter(key=many).exclude(gone_at=None).count() == 3000


def test_hostile_names_are_stored_as_text(gateway: Gateway, make_key: MakeKey, transport: Transport) -> None:
    key = make_key()
    gateway.lists(("nul", "a\x00b"), ("lone", "x\ud800y"), ("long", "n" * 900), ("plain", "<script>"), "")
    assert catalog.refresh(key, transport, timezone.now()).ok
    names = dict(ModelEntry.objects.filter(key=key).values_list("model_id", "name"))
    assert names["plain"] == "<script>"
    assert len(names["long"]) == 255
    assert "\x00" not in names["nul"]
    names["lone"].encode()


def test_a_test_reads_two_pages_and_has_the_rest_fetched(
    gateway: Gateway, make_key: MakeKey, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    from playground.ops import keys

    key, asked = make_key(), list[str]()
    monkeypatch.setattr(tasks.refresh, "delay", asked.append)
    gateway.lists(*"abcdefg", per_page=2)
    outcome = keys.test(key, key.owner, transport, timezone.now())
    assert (outcome.ok, outcome.complete, outcome.count) == (True, False, 4)
    assert "so far" in outcome.sentence
    assert asked == [str(key.pk)]
    tasks.refresh(str(key.pk))
    assert ids(key) == list("abcdefg")
    keys.test(key, key.owner, transport, timezone.now())
    assert ids(key, gone_at=None) == list("abcdefg")


def test_due_are_the_keys_nobody_refreshed_for_six_hours(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    now = timezone.now()
    for label, hours in (("Old", 7), ("Fresh", 5), ("Revoked", 9)):
        key = make_key(label, secret=f"sk-{label}-00000000")
        GatewayKey.objects.filter(pk=key.pk).update(tested_at=now - timedelta(hours=hours), test_passed=True)
    GatewayKey.objects.filter(label="Revoked").update(revoked_at=now)
    make_key("Never", secret="sk-Never-00000000")
    assert catalog.refresh_due(transport, now) == 2
    assert sorted(gateway.keys) == ["sk-Never-00000000", "sk-Old-00000000"]
    assert catalog.refresh_due(transport, now + timedelta(minutes=5)) == 0


def test_a_list_that_could_not_be_had_is_asked_for_again_soon(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    make_key()
    now = timezone.now()
    gateway.fails(503)
    assert catalog.refresh_due(transport, now) == 1
    assert catalog.refresh_due(transport, now + timedelta(minutes=4)) == 0
    gateway.lists("one")
    assert catalog.refresh_due(transport, now + timedelta(minutes=6)) == 1
    assert catalog.refresh_due(transport, now + timedelta(minutes=20)) == 0


def test_a_refused_key_is_left_alone(gateway: Gateway, make_key: MakeKey, transport: Transport) -> None:
    make_key()
    now = timezone.now()
    gateway.fails(401)
    assert catalog.refresh_due(transport, now) == 1
    assert catalog.refresh_due(transport, now + timedelta(minutes=20)) == 0


def test_of_two_schedulers_that_saw_a_key_due_one_refreshes_it(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    make_key()
    now = timezone.now()
    one, other = GatewayKey.objects.get(), GatewayKey.objects.get()
    assert [catalog._claim(seen, now) for seen in (one, other)] == [True, False]
    assert catalog.refresh_due(transport, now) == 0
    assert gateway.keys == []


def test_a_tick_whose_time_is_up_leaves_the_rest_to_the_next(
    gateway: Gateway, make_key: MakeKey, transport: Transport
) -> None:
    make_key()
    assert catalog.refresh_due(transport, timezone.now(), tick_s=0) == 0
    tasks.refresh_due()
    assert len(gateway.keys) == 1


def test_usable_are_own_then_shared_live_keys_with_demo_and_refused_ones_last(
    make_key: MakeKey, owner: User, mate: User, team: Team, stranger: User
) -> None:
    make_key("Demo")
    make_key("Refused")
    make_key("Mine")
    make_key("Works")
    make_key("Gone")
    make_key("Theirs", mate)
    make_key("Shared", mate)
    GatewayKey.objects.filter(label="Demo").update(is_demo=True)
    GatewayKey.objects.filter(label="Works").update(test_passed=True)
    GatewayKey.objects.filter(label="Refused").update(test_passed=False)
    GatewayKey.objects.filter(label="Gone").update(revoked_at=timezone.now())
    GatewayKey.objects.filter(label="Shared").update(shared=True)
    labels = [key.label for key in catalog.usable_keys(owner, team)]
    assert labels == ["Works", "Mine", "Shared", "Demo", "Refused"]
    assert [key.label for key in catalog.usable_keys(owner, owner.personal_team)] == []
    Membership.objects.create(team=team, user=stranger, role=Role.MEMBER)
    assert [key.label for key in catalog.usable_keys(stranger, team)] == ["Shared"]


@pytest.mark.parametrize(
    ("listed", "chosen"),
    [
        (["demo-cut-after-20", "demo-chat", "demo-chat-mini"], "demo-chat"),
        (["gpt-image-2", "big-model", "some-flash-model"], "some-flash-model"),
        (["kling-v3-omni", "qwen-image-plus", "big-model"], "big-model"),
        (["qwen-image-plus"], "qwen-image-plus"),
        ([], ""),
    ],
)
def test_a_sensible_model_is_chosen_to_begin_with(listed: list[str], chosen: str) -> None:
    entries = [ModelEntry(pk=number, model_id=name) for number, name in enumerate(listed)]
    gone = ModelEntry(pk=99, model_id="demo-chat", gone_at=timezone.now())
    assert catalog.choose_model([*entries, gone]) == chosen


def test_the_demo_gateways_list_is_read(
    demo: str, owner: User, team: Team, transport: Transport, settings: LazySettings
) -> None:
    settings.GATEWAY_URLS = [demo]
    key = cast.seal_key(owner, team, label="Demo", base_url=demo, secret="demo-key")
    assert catalog.refresh(key, transport, timezone.now()).ok
    assert catalog.choose_model(ModelEntry.objects.filter(key=key)) == "demo-chat"
