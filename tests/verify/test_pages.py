"""The pages of Verify: who sees and does what, and what stands on them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.verify.models import CheckRun, Setup
from playground.verify.table import CHECKS
from tests._servers import cast
from tests.verify.conftest import Verify, last_run

SignIn = Callable[[User], Client]
PAID = {check.name for check in CHECKS if check.cost == "paid"}


def text(response: HttpResponse) -> str:
    return response.content.decode()


def names(run: CheckRun) -> set[str]:
    return set(run.results.values_list("name", flat=True))


@pytest.fixture
def own_key(owner: User, team: Team, key: GatewayKey) -> GatewayKey:
    """Another key of the owner's, for nobody else."""
    return cast.seal_key(owner, team, label="Private", base_url=key.base_url, secret="demo-key")


def start(client: Client, key: GatewayKey, **asked: str | list[str]) -> HttpResponse:
    return client.post(reverse("verify:start"), {"key": str(key.pk), **asked})


def test_the_page_lists_every_check_with_why_cost_and_page(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    page = text(sign_in(owner).get(reverse("verify:index")))
    for check in CHECKS:
        assert f'id="check-{check.name.replace(".", "-")}"' in page
    assert page.count("Never run") == len(CHECKS)
    assert "AnyInt docs: Verify Your Integration." in page
    assert page.count(">Paid<") == len(PAID)


def test_without_a_key_the_page_says_so(sign_in: SignIn, mate: User, team: Team) -> None:
    page = text(sign_in(mate).get(reverse("verify:index")))
    assert "No key to verify" in page
    assert "The key is stored safely" in page


def test_the_free_ones_alone_begin_at_once(sign_in: SignIn, mate: User, key: GatewayKey) -> None:
    response = start(sign_in(mate), key, scope="free")
    run = last_run()
    assert response.headers["Location"] == reverse("verify:run", args=[run.pk])
    assert names(run) == {check.name for check in CHECKS if check.cost == "free"}
    assert (run.user, run.shared) == (mate, True)


def test_paid_checks_are_named_and_asked_first(sign_in: SignIn, mate: User, key: GatewayKey) -> None:
    client = sign_in(mate)
    asked = text(start(client, key, scope="all"))
    assert "These checks are charged" in asked
    assert "A film of 3 seconds at 720P, without sound." in asked
    assert not CheckRun.objects.exists()
    everything = [check.name for check in CHECKS]
    start(client, key, name=everything, paid="without")
    assert names(last_run()) == set(everything) - PAID
    CheckRun.objects.all().delete()
    start(client, key, name=everything, paid="yes")
    assert names(last_run()) == set(everything)


def test_one_paid_check_is_asked_too_and_again(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    client = sign_in(owner)
    assert "These checks are charged" in text(start(client, key, one="task.suno"))
    start(client, key, name=["task.suno"], paid="yes")
    run = last_run()
    client.post(reverse("verify:stop", args=[run.pk]))
    again = client.post(reverse("verify:again", args=[run.pk]))
    assert "These checks are charged" in text(again)
    assert CheckRun.objects.count() == 1


def test_chosen_models_are_kept_for_the_next_run(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    form = {"model-openai_chat": "demo-chat-mini", "model-fallback": "demo-chat"}
    start(sign_in(owner), key, one="reply.openai_chat", **form)
    assert last_run().chosen["openai_chat"] == "demo-chat-mini"
    assert Setup.objects.get(key=key).model_for("fallback") == "demo-chat"
    page = text(sign_in(owner).get(reverse("verify:index")))
    assert 'value="demo-chat-mini"' in page


def test_a_busy_key_and_an_empty_choice_are_refused_in_words(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    client = sign_in(owner)
    page = text(client.post(reverse("verify:start"), {"key": str(key.pk), "scope": "chosen"}, follow=True))
    assert "Choose at least one check." in page
    start(client, key, scope="free")
    page = text(client.post(reverse("verify:start"), {"key": str(key.pk), "scope": "free"}, follow=True))
    assert "This key is being checked right now. Wait" in page
    assert CheckRun.objects.count() == 1


def test_a_viewer_looks_and_does_nothing(
    sign_in: SignIn, viewer: User, key: GatewayKey, verify: Verify
) -> None:
    verify(["key"])
    run, client = last_run(), sign_in(viewer)
    page = text(client.get(reverse("verify:index")))
    assert "Run all" not in page
    shown = text(client.get(reverse("verify:run", args=[run.pk])))
    assert "Sealed for its row" in shown
    for button in ("Run again", "Share with", "Keep to myself", "Delete"):
        assert button not in shown
    assert start(client, key, scope="free").status_code == 403
    for act in ("stop", "again", "share", "pin", "delete", "seen"):
        assert client.post(reverse(f"verify:{act}", args=[run.pk])).status_code == 403
    assert CheckRun.objects.count() == 1


def test_a_key_of_somebody_else_or_of_another_team_is_not_there(
    sign_in: SignIn, mate: User, stranger: User, key: GatewayKey, own_key: GatewayKey
) -> None:
    for person, foreign in ((mate, own_key), (stranger, key), (stranger, own_key)):
        client = sign_in(person)
        assert start(client, foreign, scope="free").status_code == 404
        assert client.get(reverse("verify:index"), {"key": str(foreign.pk)}).status_code == 404
        assert client.post(reverse("verify:setup"), {"key": str(foreign.pk)}).status_code == 404
    assert start(sign_in(mate), GatewayKey(pk=uuid.uuid4()), scope="free").status_code == 404
    assert not CheckRun.objects.exists()


def test_a_revoked_key_is_not_there_any_more(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    GatewayKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    assert start(sign_in(owner), key, scope="free").status_code == 404


def test_a_run_with_an_own_key_is_its_persons_until_it_is_shared(
    database: str, sign_in: SignIn, owner: User, mate: User, stranger: User, own_key: GatewayKey
) -> None:
    start(sign_in(owner), own_key, one="key")
    run = last_run()
    address = reverse("verify:run", args=[run.pk])
    assert sign_in(mate).get(address).status_code == 404
    assert str(run.pk) not in text(sign_in(mate).get(reverse("verify:index")))
    share = reverse("verify:share", args=[run.pk])
    assert sign_in(owner).post(share, {"shared": "yes"}).status_code == 302
    assert sign_in(mate).get(address).status_code == 200
    assert sign_in(mate).post(share, {"shared": "no"}).status_code == 403
    assert sign_in(stranger).get(address).status_code == 404
    assert sign_in(owner).post(share, {"shared": "no"}).status_code == 302
    assert sign_in(mate).get(address).status_code == 404


def test_a_certificate_is_json_without_a_key(sign_in: SignIn, owner: User, verify: Verify) -> None:
    verify(["key", "reply.anthropic", "error.429"])
    response = sign_in(owner).get(reverse("verify:json", args=[last_run().pk]))
    told = json.loads(response.content)
    assert "attachment" in response.headers["Content-Disposition"]
    assert [check["check"] for check in told["checks"]] == ["key", "reply.anthropic", "error.429"]
    reply = told["checks"][1]
    assert (reply["state"], reply["cost"], reply["page"]) == ("passed", "cheap", "Verify Your Integration")
    assert reply["total_ms"] is not None
    assert reply["output_tokens"]
    assert told["checks"][2]["drill"] is True
    assert "demo-key" not in text(response)


def test_evidence_is_shown_alone_and_as_a_part_of_the_page(
    sign_in: SignIn, owner: User, verify: Verify
) -> None:
    verify(["reply.anthropic"])
    client, address = sign_in(owner), reverse("verify:evidence", args=[last_run().pk, "reply.anthropic"])
    page = text(client.get(address))
    assert "<html" in page
    assert "x-api-key: [hidden]" in page
    part = text(client.get(address, headers={"HX-Request": "true"}))
    assert "<html" not in part
    assert "AnyInt OK" in part
    unknown = reverse("verify:evidence", args=[last_run().pk, "reply.gemini"])
    assert client.get(unknown).status_code == 404


def test_a_failed_row_says_what_to_do_and_can_be_run_alone(
    sign_in: SignIn, owner: User, verify: Verify
) -> None:
    verify(["key", "reply.gemini"], gemini="demo-error-402")
    client, run = sign_in(owner), last_run()
    page = text(client.get(reverse("verify:run", args=[run.pk])))
    assert "HTTP 402: Balance or quota used up." in page
    assert "What to do: " in page
    client.post(reverse("verify:again", args=[run.pk]), {"only": "failed"})
    assert names(last_run()) == {"reply.gemini"}


def test_drilled_rows_say_that_it_was_the_demo_gateway(sign_in: SignIn, owner: User, verify: Verify) -> None:
    verify(["error.401", "error.429", "error.5xx", "error.cut"])
    page = text(sign_in(owner).get(reverse("verify:run", args=[last_run().pk])))
    assert page.count("Fault drill of the demo gateway") == 3


def test_the_page_of_the_key_shows_what_was_found_last(
    database: str, sign_in: SignIn, owner: User, verify: Verify
) -> None:
    verify(["key", "reply.openai_chat"])
    verify(["reply.openai_chat"], openai_chat="demo-error-503")
    page = text(sign_in(owner).get(reverse("verify:index")))
    assert page.count("Never run") == len(CHECKS) - 2
    assert "HTTP 503" in page
    assert "1 failed" in page


def test_a_live_run_is_stopped_before_it_is_deleted(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    client = sign_in(owner)
    start(client, key, scope="free")
    run = last_run()
    client.post(reverse("verify:delete", args=[run.pk]))
    assert CheckRun.objects.filter(pk=run.pk).exists()
    client.post(reverse("verify:stop", args=[run.pk]))
    client.post(reverse("verify:delete", args=[run.pk]))
    assert not CheckRun.objects.filter(pk=run.pk).exists()


def test_the_chip_counts_checks_under_way(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    client = sign_in(owner)
    start(client, key, scope="free")
    chip = text(client.get(reverse("activity")))
    assert "1 running" in chip
    assert reverse("verify:run", args=[last_run().pk]) in chip


def test_pages_take_as_many_queries_with_many_runs_as_with_few(
    sign_in: SignIn, owner: User, key: GatewayKey, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    client = sign_in(owner)
    for _ in range(30):
        start(client, key, scope="free")
        client.post(reverse("verify:stop", args=[last_run().pk]))
    with django_assert_max_num_queries(30):
        assert client.get(reverse("verify:index")).status_code == 200
    with django_assert_max_num_queries(20):
        assert client.get(reverse("verify:run", args=[last_run().pk])).status_code == 200
