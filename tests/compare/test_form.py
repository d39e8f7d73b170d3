"""The form that begins a comparison: what it is filled in with, for whom it is, and what is listed below."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, User
from playground.chat.models import Conversation, Turn
from tests.compare.asking import NEW, Compared, SignIn, begin, form, typed_on, url
from tests.compare.conftest import listed


def filled(client: Client, **asked: Any) -> dict[str, list[str]]:
    response = client.get(NEW, asked)
    assert response.status_code == 200
    return typed_on(response.content.decode())


def models_in(typed: dict[str, list[str]]) -> list[str]:
    return [model for model in typed["lane-model"] if model]


def test_before_anything_was_compared_two_usual_models_of_the_key_stand_there(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    listed(key, "another-mini", family="anthropic")
    for model in ("text-embedding-3", "large", "small-mini", "gone-mini"):
        listed(key, model, gone_at=timezone.now() if model == "gone-mini" else None)
    typed = filled(sign_in(owner))
    assert typed["lane-model"] == ["small-mini", "large", "", "", "", ""]
    assert typed["lane-family"] == ["openai_chat"] * 6
    assert (typed["text"], typed["key"], typed["system"]) == ([""], [str(key.pk)], [""])


def test_a_list_of_one_model_fills_in_that_one_alone(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    listed(key, "only")
    assert models_in(filled(sign_in(owner))) == ["only"]


def test_the_address_fills_in_models_with_their_families_the_key_and_the_question(
    sign_in: SignIn, owner: User, key: GatewayKey, team_key: GatewayKey
) -> None:
    client = sign_in(owner)
    asked = {"model": ["b", "a"], "family": ["anthropic", "gemini"], "text": "Why <b>?", "key": team_key.pk}
    typed = filled(client, **asked)
    assert models_in(typed) == ["b", "a"]
    assert typed["lane-family"][:2] == ["anthropic", "gemini"]
    assert typed["text"] == ["Why <b>?"]
    assert typed["key"] == [str(team_key.pk)]
    assert filled(client)["key"] == [str(key.pk)]


def test_of_more_models_than_are_compared_the_address_fills_in_the_first(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    names = [f"m-{number}" for number in range(9)]
    assert models_in(filled(sign_in(owner), model=["", *names])) == names[:6]


def test_a_question_of_the_address_is_no_longer_than_may_be_sent(
    sign_in: SignIn, owner: User, key: GatewayKey, settings: LazySettings
) -> None:
    settings.MAX_PROMPT_CHARS = 10
    assert filled(sign_in(owner), text="x" * 30)["text"] == ["x" * 10]


def test_a_family_that_the_address_does_not_name_is_found_in_the_keys_lists(
    sign_in: SignIn, owner: User, key: GatewayKey, team_key: GatewayKey
) -> None:
    listed(key, "only-anthropic", family="anthropic")
    listed(key, "both", family="anthropic")
    listed(key, "both", family="openai_chat")
    listed(key, "left", family="gemini", gone_at=timezone.now())
    listed(team_key, "elsewhere", family="gemini")
    client = sign_in(owner)
    models = ["only-anthropic", "both", "left", "elsewhere", "unheard-of"]
    typed = filled(client, model=models, key=key.pk)
    assert typed["lane-family"][:5] == ["anthropic"] + ["openai_chat"] * 4
    typed = filled(client, model=models, key=team_key.pk)
    assert typed["lane-family"][:5] == ["openai_chat"] * 3 + ["gemini", "openai_chat"]
    # What the address says goes before the list; what it cannot mean does not.
    typed = filled(client, model=["only-anthropic"] * 2, family=["gemini", "nonsense"], key=key.pk)
    assert typed["lane-family"][:2] == ["gemini", "anthropic"]


def test_the_models_of_the_last_comparison_come_back_with_their_own_settings(
    sign_in: SignIn, owner: User, mate: User, key: GatewayKey, team_key: GatewayKey
) -> None:
    client = sign_in(owner)
    begin(client, form(key, "older-1", "older-2"))
    Conversation.objects.update(updated_at=timezone.now() - timedelta(hours=1))
    rows: dict[str, Any] = {
        "family": ["openai_chat", "anthropic", "anthropic"],
        "temperature": ["0", "", "0.25"],
        "max_tokens": ["", "", "900"],
    }
    begin(client, form(team_key, "m-1", "m-2", "m-3", **rows))
    typed = filled(client)
    assert models_in(typed) == ["m-1", "m-2", "m-3"]
    assert typed["lane-family"][:3] == rows["family"]
    assert typed["lane-temperature"][:3] == ["0.0", "", "0.25"]
    # What a family wants with every request, and nobody typed, is not said as somebody's wish.
    assert typed["lane-max_tokens"][:3] == ["", "", "900"]
    assert typed["key"] == [str(team_key.pk)]
    assert typed["text"] == [""]
    assert models_in(filled(sign_in(mate))) == []


def test_without_a_key_there_is_no_form_but_the_way_to_keys(sign_in: SignIn, owner: User) -> None:
    html = sign_in(owner).get(NEW).content.decode()
    assert "No key to ask with" in html
    assert f'href="{reverse("keys")}"' in html
    assert typed_on(html) == {}


def test_a_viewer_reads_why_there_is_no_form(sign_in: SignIn, viewer: User, team_key: GatewayKey) -> None:
    html = sign_in(viewer).get(NEW).content.decode()
    assert "Your role in this team is viewer" in html
    assert typed_on(html) == {}


def test_nobody_compares_without_signing_in(client: Client, key: GatewayKey) -> None:
    assert client.get(NEW).status_code == 302
    assert client.post(url("ask", Conversation().pk), form(key, "m-1", "m-2")).status_code == 302
    assert not Conversation.objects.exists()


def test_where_nothing_was_compared_yet_the_page_says_so(
    sign_in: SignIn, owner: User, key: GatewayKey, compared: Compared
) -> None:
    client = sign_in(owner)
    html = client.get(NEW).content.decode()
    assert "None yet." in html
    assert f'href="{reverse("history:list")}?kind=compare"' in html
    compared(owner)
    assert "None yet." not in client.get(NEW).content.decode()


def test_comparisons_are_listed_newest_first_ones_own_and_those_that_mates_share(
    sign_in: SignIn, owner: User, mate: User, stranger: User, key: GatewayKey, compared: Compared
) -> None:
    said = {"old": compared(owner, "m-1", "m-2"), "private": compared(mate), "shared": compared(mate)}
    said["new"] = compared(owner, "m-3", "m-4", live=True)
    now = timezone.now()
    for minutes, name in enumerate(("new", "shared", "private", "old")):
        about = {"title": f"About {name}", "updated_at": now - timedelta(minutes=minutes)}
        Conversation.objects.filter(pk=said[name].pk).update(**about, shared=name == "shared")
    chat = Conversation.objects.create(owner=owner, team=said["old"].team, title="About a chat")
    html = sign_in(owner).get(NEW).content.decode()
    places = [html.find(url("show", said[name])) for name in ("new", "shared", "old")]
    assert -1 not in places
    assert places == sorted(places)
    new, shared, old = (html[at : html.find("</li>", at)] for at in places)
    assert "m-3 · m-4" in new
    assert "answers are being written" in new
    assert "answers are being written" not in old
    assert "Miguel, " in shared
    assert "Olivia, " not in old
    assert url("show", said["private"]) not in html
    assert "About private" not in html
    assert str(chat.pk) not in html
    html = sign_in(stranger).get(NEW).content.decode()
    assert "About" not in html.split('id="kept"')[1]


def test_the_models_of_a_key_are_offered_to_those_who_can_use_it(
    sign_in: SignIn, owner: User, mate: User, key: GatewayKey, team_key: GatewayKey
) -> None:
    listed(key, "b")
    listed(key, "a")
    listed(key, "a", family="anthropic")
    listed(key, "gone", gone_at=timezone.now())
    listed(team_key, "common")
    place = reverse("compare:models")

    def offered(person: User, wanted: Any) -> str:
        return sign_in(person).get(place, {"key": wanted}).content.decode().strip()

    assert offered(owner, key.pk) == '<option value="a"></option><option value="b"></option>'
    assert offered(mate, team_key.pk) == '<option value="common"></option>'
    assert offered(mate, key.pk) == ""
    assert offered(owner, "nonsense") == ""
    html = sign_in(owner).get(NEW, {"key": str(key.pk)}).content.decode()
    assert '<datalist id="models"><option value="a"></option><option value="b"></option>' in html


def test_the_names_of_hostile_models_are_text(
    sign_in: SignIn, owner: User, key: GatewayKey, compared: Compared
) -> None:
    name = '"><img src=x onerror=alert(1)>'
    client = sign_in(owner)
    talk = compared(owner, name, "m-2")
    for place in (NEW, url("show", talk), f"{NEW}?model=%22%3E%3Cimg src=x>&model=b"):
        assert "<img src=x" not in client.get(place).content.decode()
    assert Turn.objects.filter(conversation=talk).count() == 3


@pytest.mark.parametrize(
    "query", ["model=%00", "family=x&model=a", "key=%00", "text=%00", "model=" + "x" * 999]
)
def test_nonsense_in_the_address_is_no_error(
    query: str, sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    assert sign_in(owner).get(f"{NEW}?{query}").status_code == 200
