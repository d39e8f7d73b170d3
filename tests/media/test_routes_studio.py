"""Task routes of a team as the studio's form meets them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from django.http import QueryDict
from django.test import Client

from accounts.models import GatewayKey, Team, User
from playground.media import route_form, routes
from playground.media.models import MediaTask, TaskRoute
from tests.media.test_routes import FORM, ROUTES, operation_of

SignIn = Callable[[User], Client]


@pytest.fixture
def route(team: Team, owner: User) -> TaskRoute:
    data = QueryDict(mutable=True)
    data.update(FORM)
    definition, mistakes = route_form.definition_of(route_form.read(data))
    assert mistakes == []
    return routes.declare(team, owner, definition)


def test_a_form_whose_route_is_archived_meanwhile_says_so_at_its_place_and_keeps_what_was_typed(
    sign_in: SignIn, owner: User, key: GatewayKey, route: TaskRoute
) -> None:
    form = {"operation": operation_of(route), "key": str(key.pk), "form_id": str(uuid.uuid4())}
    form |= {"p-prompt": "A tall ship", "p-mode": "pro"}
    client = sign_in(owner)
    client.post(f"{ROUTES}{route.pk}/archive/")
    for headers in ({}, {"HX-Request": "true"}):
        refused = client.post("/studio/make", form, headers=headers)
        page = refused.content.decode()
        assert refused.status_code == 422
        assert re.search(r'id="error-operation">.*archived this route', page)
        assert ">Boats (archived)</option>" in page
        assert "A tall ship" in page
        assert '<option value="pro" selected>' in page
    assert not MediaTask.objects.exists()
    client.post(f"{ROUTES}{route.pk}/restore/")
    assert client.post("/studio/make", form).status_code == 302


def test_admins_are_shown_the_way_from_the_studio_to_a_new_route(
    sign_in: SignIn, owner: User, mate: User
) -> None:
    link = b'href="/settings/routes/new/"'
    assert link in sign_in(owner).get("/studio/video/").content
    assert link not in sign_in(mate).get("/studio/video/").content


def test_the_page_says_what_cannot_be_declared(sign_in: SignIn, owner: User) -> None:
    assert b"always a POST with a JSON body" in sign_in(owner).get(f"{ROUTES}new/").content
