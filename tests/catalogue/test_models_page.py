"""The page Models: who sees which models, filters, pages, and what hostile names do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.catalogue.models import ModelLabel
from playground.ops.models import Measured, ModelEntry
from tests.catalogue.conftest import entry

SignIn = Callable[[User], Client]
PAGE = reverse("catalogue:models")
pytestmark = pytest.mark.usefixtures("database")


def ids(client: Client, query: str = "") -> list[str]:
    response = client.get(f"{PAGE}?{query}")
    assert response.status_code == 200
    return [row.model for row in response.context["page"].rows]


def measure(team: Team, model: str, capability: str, **fields: Any) -> None:
    Measured.objects.create(
        team=team, source="check", family="openai_chat", model=model, capability=capability, **fields
    )


def test_a_model_stands_once_however_many_keys_and_lists_show_it(
    sign_in: SignIn, owner: User, own: GatewayKey, shared: GatewayKey
) -> None:
    for key in (own, shared):
        entry(key, "m-1")
        entry(key, "m-1", family="anthropic")
    response = sign_in(owner).get(PAGE)
    (row,) = response.context["page"].rows
    assert (row.model, row.keys, row.lists) == ("m-1", 2, ("openai_chat", "anthropic"))
    assert response.context["page"].total == 1


def test_a_mate_sees_the_models_of_team_keys_and_not_those_of_anothers_own(
    sign_in: SignIn, mate: User, own: GatewayKey, shared: GatewayKey
) -> None:
    entry(own, "private-model")
    entry(shared, "team-model")
    client = sign_in(mate)
    assert ids(client) == ["team-model"]
    assert ids(client, f"key={own.pk}") == ["team-model"]
    assert client.get(reverse("catalogue:model"), {"id": "private-model"}).status_code == 404
    assert b"private-model" not in client.get(PAGE).content


def test_a_revoked_key_shows_nothing(sign_in: SignIn, owner: User, own: GatewayKey) -> None:
    entry(own, "m-1")
    GatewayKey.objects.filter(pk=own.pk).update(revoked_at=timezone.now())
    assert ids_or_empty(sign_in(owner)) == []


def ids_or_empty(client: Client) -> list[str]:
    return [row.model for row in client.get(PAGE).context["page"].rows]


def test_what_is_listed_now_is_shown_and_the_rest_when_asked_for(
    sign_in: SignIn, owner: User, own: GatewayKey
) -> None:
    now = timezone.now()
    entry(own, "gone", gone_at=now - timedelta(days=2))
    entry(own, "new", new_at=now - timedelta(days=1))
    entry(own, "new-long-ago", new_at=now - timedelta(days=8))
    entry(own, "changed", changed_at=now - timedelta(days=1))
    client = sign_in(owner)
    assert ids(client) == ["changed", "new", "new-long-ago"]
    assert ids(client, "state=gone") == ["gone"]
    assert ids(client, "state=new") == ["new"]
    assert ids(client, "state=changed") == ["changed"]
    assert ids(client, "state=any") == ["changed", "gone", "new", "new-long-ago"]
    assert ids(client, "state=nonsense") == ["changed", "new", "new-long-ago"]


def test_a_model_that_one_key_lost_and_another_has_is_not_gone(
    sign_in: SignIn, owner: User, own: GatewayKey, shared: GatewayKey
) -> None:
    entry(own, "m-1", gone_at=timezone.now())
    entry(shared, "m-1")
    client = sign_in(owner)
    assert ids(client) == ["m-1"]
    assert ids(client, "state=gone") == []
    assert ids(client, f"state=gone&key={own.pk}") == ["m-1"]


def test_words_are_looked_for_in_ids_names_and_uses(
    sign_in: SignIn, owner: User, team: Team, own: GatewayKey
) -> None:
    entry(own, "abc-1", name="First of All")
    entry(own, "abc-2")
    entry(own, "xyz")
    ModelLabel.objects.create(team=team, model="xyz", kind="use", value="summaries")
    client = sign_in(owner)
    assert ids(client, "q=abc") == ["abc-1", "abc-2"]
    assert ids(client, "q=all+first") == ["abc-1"]
    assert ids(client, "q=summar") == ["xyz"]
    assert ids(client, "q=100%25") == []


def test_labels_of_the_team_narrow_and_those_of_another_team_do_not(
    sign_in: SignIn, owner: User, team: Team, own: GatewayKey, stranger: User
) -> None:
    entry(own, "m-1")
    entry(own, "m-2")
    entry(own, "m-3", family="anthropic")
    ModelLabel.objects.create(team=team, model="m-1", kind="modality", value="video")
    ModelLabel.objects.create(team=team, model="m-1", kind="family", value="kling")
    ModelLabel.objects.create(team=stranger.personal_team, model="m-2", kind="modality", value="video")
    client = sign_in(owner)
    assert ids(client, "modality=video") == ["m-1"]
    assert ids(client, "family=kling") == ["m-1"]
    assert ids(client, "family=anthropic") == ["m-3"]
    # The list shows it, and the team says that it is something else.
    assert ids(client, "family=openai_chat") == ["m-2"]


def test_the_last_sighting_of_a_capability_decides(
    sign_in: SignIn, owner: User, team: Team, own: GatewayKey
) -> None:
    now = timezone.now()
    for name in ("broke", "mended", "never"):
        entry(own, name)
    measure(team, "broke", "tools", works_at=now - timedelta(days=2), fails_at=now - timedelta(days=1))
    measure(team, "mended", "tools", works_at=now, fails_at=now - timedelta(days=1))
    client = sign_in(owner)
    assert ids(client, "can=tools") == ["mended"]
    assert ids(client, "can=tools&how=fails") == ["broke"]
    assert ids(client, "can=tools&how=unknown") == ["never"]
    assert ids(client, "can=stream") == []


def test_what_a_mate_measured_for_themselves_is_counted_for_admins_only(
    sign_in: SignIn, owner: User, mate: User, viewer: User, team: Team, shared: GatewayKey
) -> None:
    entry(shared, "m-1")
    told = {"source": "run", "family": "openai_chat", "capability": "chat", "works_at": timezone.now()}
    Measured.objects.create(team=team, user=mate, model="m-1", **told)
    assert ids(sign_in(mate), "can=chat") == ["m-1"]
    assert ids(sign_in(owner), "can=chat") == ["m-1"]
    assert ids(sign_in(viewer), "can=chat") == []


def test_pages_go_on_and_come_back_without_a_gap(sign_in: SignIn, owner: User, own: GatewayKey) -> None:
    names = [f"model-{number:03}" for number in range(150)]
    ModelEntry.objects.bulk_create(
        ModelEntry(key=own, family="openai_chat", model_id=name, name=name) for name in names
    )
    client = sign_in(owner)
    met: list[str] = []
    query = ""
    for _ in range(3):
        page = client.get(f"{PAGE}?{query}").context["page"]
        met += [row.model for row in page.rows]
        query = urlencode({"after": page.next})
    assert met == names
    assert page.next == ""
    assert ids(client, urlencode({"before": page.previous})) == names[60:120]
    assert ids(client, urlencode({"before": names[60]})) == names[:60]
    assert ids(client, urlencode({"before": names[5]})) == names[:60]


def test_three_thousand_models_take_the_queries_of_three(
    sign_in: SignIn, owner: User, own: GatewayKey, shared: GatewayKey
) -> None:
    client = sign_in(owner)

    def queries() -> int:
        with CaptureQueriesContext(connection) as told:
            assert client.get(PAGE, {"q": "model", "can": "chat", "how": "unknown"}).status_code == 200
        return len(told)

    for key in (own, shared):
        for number in range(3):
            entry(key, f"model-{number}")
    few = queries()
    ModelEntry.objects.bulk_create(
        ModelEntry(key=key, family=family, model_id=f"model-x{number}", name="Model")
        for key in (own, shared)
        for family in ("openai_chat", "anthropic")
        for number in range(3000)
    )
    assert queries() == few


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "../../settings/keys/",
    "a/b?c=d&e=f#g",
    "100%25 {{ 7*7 }} {% now %}",
    "‮gpj.exe",
)


@pytest.mark.parametrize("model", HOSTILE)
def test_a_hostile_name_is_text_everywhere_and_has_its_page(
    sign_in: SignIn, owner: User, own: GatewayKey, model: str
) -> None:
    entry(own, model, name=model)
    client = sign_in(owner)
    for query in ("", "view=cards", urlencode({"q": model[:8]})):
        page = client.get(f"{PAGE}?{query}").content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    link = client.get(PAGE).content.decode().split('model-name"><a href="')[1].split('"')[0]
    response = client.get(link.replace("&amp;", "&"))
    assert response.status_code == 200
    assert response.context["model_id"] == model
    assert "<script>alert" not in response.content.decode()
    assert "<img src=x" not in response.content.decode()


def test_htmx_gets_the_list_alone_and_the_address_that_shows_it(
    sign_in: SignIn, owner: User, own: GatewayKey
) -> None:
    entry(own, "m-1")
    headers = {"HX-Request": "true", "HX-Target": "models"}
    response = sign_in(owner).get(f"{PAGE}?q=m&state=any&view=cards", headers=headers)
    assert response.content.strip().startswith(b'<div class="models" id="models">')
    assert response.headers["HX-Push-Url"] == f"{PAGE}?q=m&state=any&view=cards"


def test_a_person_without_a_key_is_told_what_to_do(sign_in: SignIn, owner: User) -> None:
    response = sign_in(owner).get(PAGE)
    assert b"No key to ask with" in response.content
