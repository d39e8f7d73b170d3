"""Task routes that a team's admins declare: who may, what is told of mistakes, a whole life."""

from __future__ import annotations

import html
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from accounts.models import AuditEvent, GatewayKey, Team, User
from playground.gateway.media.custom import DefinitionError
from playground.media import catalogue, followups, orders, route_form, routes
from playground.media.models import MediaTask, RouteVersion, TaskRoute
from tests.media.conftest import Bench, Place, fresh
from tests.media.upstream import KLING, Upstream

SignIn = Callable[[User], Client]
ROUTES = "/settings/routes/"
# Kling's text2video, declared by hand.
FORM = {
    "label": "Boats",
    "key": "boats",
    "medium": "video",
    "family": "harbour",
    "fields.0.name": "prompt",
    "fields.0.label": "Prompt",
    "fields.0.kind": "text",
    "fields.0.required": "on",
    "fields.1.name": "mode",
    "fields.1.label": "Mode",
    "fields.1.kind": "choice",
    "fields.1.choices": "std, pro",
    "fields.1.default": "std",
    "create.path": KLING,
    "create.body": '{"prompt": "{prompt}", "model": "boat-1"}',
    "query.path": KLING + "/{id}",
    "query.method": "GET",
    "id": "data.task_id",
    "status": "data.task_status, status",
    "states": "processing = running",
    "error.message": "data.task_status_msg",
    "outputs.0.path": "data.task_result.videos[*].url",
    "outputs.0.kind": "video",
    "pace.first_s": "2",
    "pace.deadline_s": "600",
}
CREATED = json.dumps({"code": 0, "data": {"task_id": "t-77", "task_status": "submitted"}})
DONE = {"task_status": "succeed", "task_result": {"videos": [{"url": "https://example.com/a.mp4"}]}}


@pytest.fixture
def definition() -> dict[str, Any]:
    told, mistakes = route_form.definition_of(route_form.Typed(*_typed(FORM)))
    assert mistakes == []
    return told


def _typed(form: dict[str, str]) -> tuple[dict[str, str], dict[str, list[dict[str, str]]]]:
    data = QueryDict(mutable=True)
    data.update(form)
    typed = route_form.read(data)
    return dict(typed.texts), dict(typed.tables)


@pytest.fixture
def route(team: Team, owner: User, definition: dict[str, Any]) -> TaskRoute:
    return routes.declare(team, owner, definition)


def operation_of(route: TaskRoute) -> str:
    version = route.versions.get(number=TaskRoute.objects.get(pk=route.pk).number)
    return routes.key_of(version.pk)


@pytest.fixture
def make(owner: User, team: Team, key: GatewayKey) -> Callable[..., MediaTask]:
    def made(route: TaskRoute, prompt: str = "a boat") -> MediaTask:
        order = orders.Order(operation_of(route), key.pk, uuid.uuid4(), {"prompt": prompt, "mode": "std"})
        return orders.place(order, owner, team)

    return made


def test_an_admin_declares_a_route_and_it_stands_in_the_studio(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    client = sign_in(owner)
    assert client.post(f"{ROUTES}new/", FORM | {"act": "save"}).status_code == 302
    assert b"Boats" in client.get(ROUTES).content
    page = client.get("/studio/video/").content.decode()
    assert ">Boats</option>" in page
    form = client.get(f"/studio/video/?operation={operation_of(TaskRoute.objects.get())}").content.decode()
    assert 'name="p-prompt"' in form and "harbour" in form
    assert ">Boats</option>" not in client.get("/studio/image/").content.decode()
    event = AuditEvent.objects.get(verb="route.declare")
    assert (event.actor, event.target) == (owner, "boats")


@pytest.mark.usefixtures("database")
def test_a_task_of_it_is_sent_followed_and_kept(
    sign_in: SignIn, owner: User, key: GatewayKey, route: TaskRoute, bench: Bench, upstream: Upstream
) -> None:
    form = {"operation": operation_of(route), "key": str(key.pk), "form_id": str(uuid.uuid4())}
    client = sign_in(owner)
    assert client.post("/studio/make", form | {"p-prompt": "a boat", "p-mode": "pro"}).status_code == 302
    task = MediaTask.objects.get()
    bench.run()
    assert upstream.bodies == [{"prompt": "a boat", "model": "boat-1", "mode": "pro"}]
    bench.again()
    assert (fresh(task).status, fresh(task).raw_status) == ("waiting", "processing")
    upstream.finish()
    bench.again(2)
    done = fresh(task)
    assert (done.status, done.family, done.title) == ("succeeded", "harbour", "a boat")
    assert done.assets.get().media_type == "video/mp4"
    page = client.get(f"/studio/task/{task.pk}/").content.decode()
    assert "Boats" in page and KLING in page


def test_a_failure_says_what_the_declared_path_holds(
    make: Callable[..., MediaTask], route: TaskRoute, bench: Bench, upstream: Upstream
) -> None:
    task = make(route)
    bench.run()
    upstream.say(
        f"{KLING}/{fresh(task).upstream_id}",
        {"code": 0, "data": {"task_status": "failed", "task_status_msg": "The sea was rough."}},
    )
    bench.again()
    assert (fresh(task).status, fresh(task).error_message) == ("failed", "The sea was rough.")


@pytest.mark.usefixtures("database")
def test_a_change_leaves_what_is_running_alone(
    make: Callable[..., MediaTask],
    route: TaskRoute,
    owner: User,
    definition: dict[str, Any],
    bench: Bench,
    upstream: Upstream,
) -> None:
    before = make(route)
    bench.run()
    moved = definition | {"query": {"path": "/moved/{id}"}, "label": "Ships"}
    assert routes.change(route, owner, moved, seen=1)
    upstream.finish()
    bench.again(2)
    assert fresh(before).status == "succeeded"
    after = make(route)
    assert after.operation != before.operation
    upstream.say("/moved/up-2", {"data": {"task_status": "processing"}})
    bench.run()
    bench.again()
    assert [path for path, _ in upstream.heard] == ["/moved/up-2"]


def test_again_goes_by_what_the_route_says_now(
    make: Callable[..., MediaTask], route: TaskRoute, owner: User, team: Team, definition: dict[str, Any]
) -> None:
    before = make(route)
    routes.change(route, owner, definition | {"label": "Ships"}, seen=1)
    after = followups.retry_as_new(before, owner, team, uuid.uuid4())
    assert (after.operation, after.retry_of) == (operation_of(route), before)
    routes.archive(route, owner)
    with pytest.raises(orders.Refused, match="archived"):
        followups.retry_as_new(before, owner, team, uuid.uuid4())


def test_an_archived_route_makes_nothing_and_its_tasks_go_on(
    sign_in: SignIn,
    owner: User,
    make: Callable[..., MediaTask],
    route: TaskRoute,
    bench: Bench,
    upstream: Upstream,
) -> None:
    task = make(route)
    bench.run()
    client = sign_in(owner)
    client.post(f"{ROUTES}{route.pk}/archive/")
    assert ">Boats</option>" not in client.get("/studio/video/").content.decode()
    assert ">Boats</option>" not in client.get(f"/studio/video/?operation={task.operation}").content.decode()
    upstream.finish()
    bench.again(2)
    assert fresh(task).status == "succeeded"
    client.post(f"{ROUTES}{route.pk}/restore/")
    assert ">Boats</option>" in client.get("/studio/video/").content.decode()
    verbs = AuditEvent.objects.filter(target="boats").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["route.declare", "route.archive", "route.restore"]


@pytest.mark.usefixtures("database")
def test_two_admins_do_not_overwrite_each_other(sign_in: SignIn, owner: User, route: TaskRoute) -> None:
    client = sign_in(owner)
    form = FORM | {"act": "save", "number": "1", "label": "Ships"}
    assert client.post(f"{ROUTES}{route.pk}/", form).status_code == 302
    late = client.post(f"{ROUTES}{route.pk}/", form | {"label": "Rafts"})
    assert late.status_code == 422
    assert b"Somebody changed this route meanwhile" in late.content
    assert b"Rafts" in late.content
    assert TaskRoute.objects.get().label == "Ships"
    assert RouteVersion.objects.count() == 2


def test_the_key_of_a_route_stays(sign_in: SignIn, owner: User, route: TaskRoute) -> None:
    form = FORM | {"act": "save", "number": "1", "key": "ships"}
    sign_in(owner).post(f"{ROUTES}{route.pk}/", form)
    version = RouteVersion.objects.get(number=2)
    assert (version.route.key, version.definition["key"]) == ("boats", "boats")


def test_the_form_shows_a_definition_as_it_was_saved(
    sign_in: SignIn, owner: User, route: TaskRoute, definition: dict[str, Any]
) -> None:
    page = sign_in(owner).get(f"{ROUTES}{route.pk}/").content.decode()
    assert "processing = running" in page and "data.task_result.videos[*].url" in page
    typed = route_form.typed_of(definition)
    assert route_form.definition_of(typed) == (definition, [])


def errors_of(form: route_form.View) -> list[tuple[str, str]]:
    """Every error of the page with the control, row or table it stands at."""
    controls = [control for part in form.parts.values() for control in part]
    rows = [(f"{name}.{row.number}", row.error) for name, table in form.tables.items() for row in table]
    told = [(control.name, control.error) for control in controls]
    return [*told, *rows, *form.table_errors.items(), *(("", each) for each in form.general)]


WRONG = [
    ({"label": ""}, "label", "The label is missing"),
    ({"key": "Boats!"}, "key", "The key must be of small letters"),
    ({"create.path": "https://elsewhere.example/x"}, "create.path", "must begin with one slash"),
    ({"create.path": "//elsewhere.example/x"}, "create.path", "must begin with one slash"),
    ({"create.body": "{"}, "create.body", "The body must be one JSON object"),
    ({"create.body": '{"a": "{nothing}"}'}, "create.body", "The body names {nothing}"),
    ({"query.path": "/x"}, "query.path", "must hold {id} once"),
    ({"id": "a..b"}, "id", "must be a path"),
    ({"status": ""}, "status", "must be a path"),
    ({"states": "dreaming"}, "states", "Each line must say a word"),
    ({"states": "dreaming = asleep"}, "states", "must stand for one of"),
    ({"outputs.0.path": "data url"}, "outputs.0", "An output needs a path"),
    ({"outputs.0.path": ""}, "outputs", "must list at least one"),
    ({"pace.first_s": "soon"}, "pace.first_s", "This must be a number"),
    ({"pace.deadline_s": "0"}, "pace.deadline_s", "must be seconds, from 1"),
    ({"fields.1.choices": ""}, "fields.1", "The choices of mode"),
    ({"fields.1.default": "turbo"}, "fields.1", "The usual value does not fit: Mode must be one of"),
    ({"fields.1.name": "prompt"}, "fields.1", "is there twice"),
    ({"fields.1.minimum": "low"}, "fields.1", "Least: This must be a number"),
]


@pytest.mark.parametrize(("wrong", "place", "sentence"), WRONG)
def test_a_mistake_is_told_at_its_place_and_what_was_typed_stays(
    sign_in: SignIn, owner: User, wrong: dict[str, str], place: str, sentence: str
) -> None:
    response = sign_in(owner).post(f"{ROUTES}new/", FORM | {"act": "save", "about": "kept words"} | wrong)
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in html.unescape(page)
    assert [place for place, told in errors_of(response.context["form"]) if sentence in told] == [place]
    assert "kept words" in page
    assert not TaskRoute.objects.exists()


def test_more_rows_keep_what_was_typed(sign_in: SignIn, owner: User) -> None:
    page = sign_in(owner).post(f"{ROUTES}new/", FORM | {"act": "more"})
    assert page.status_code == 200
    assert b'name="fields.6.name"' in page.content
    assert b'value="Boats"' in page.content
    assert not TaskRoute.objects.exists()


def test_sample_answers_show_what_would_be_read(sign_in: SignIn, owner: User) -> None:
    samples = {"sample_created": CREATED, "sample_state": json.dumps({"code": 0, "data": DONE})}
    page = sign_in(owner).post(f"{ROUTES}new/", FORM | {"act": "try"} | samples).content.decode()
    told = page[page.index('id="trial-result"') :]
    assert "t-77" in told
    assert "<dd>succeeded</dd>" in told
    assert "https://example.com/a.mp4" in told
    assert f"GET {KLING}/example-id" in told
    assert not TaskRoute.objects.exists()


def test_samples_that_do_not_fit_say_so(sign_in: SignIn, owner: User) -> None:
    samples = {"sample_created": "{}", "sample_state": '{"data": {"task_status": "succeed"}}'}
    page = sign_in(owner).post(f"{ROUTES}new/", FORM | {"act": "try"} | samples).content.decode()
    assert "The gateway did not say which task it made." in page
    assert "It says it is done, but no output was found." in page


@pytest.mark.parametrize("who", ["mate", "viewer"])
def test_others_of_the_team_read_and_change_nothing(
    sign_in: SignIn, who: str, request: pytest.FixtureRequest, route: TaskRoute
) -> None:
    client = sign_in(request.getfixturevalue(who))
    page = client.get(ROUTES).content
    assert b"Boats" in page and b"Declare a route" not in page
    for path in ("new/", f"{route.pk}/"):
        assert client.get(f"{ROUTES}{path}").status_code == 403
        assert client.post(f"{ROUTES}{path}", FORM).status_code == 403
    assert client.post(f"{ROUTES}{route.pk}/archive/").status_code == 403


def test_another_team_neither_sees_nor_uses_it(sign_in: SignIn, stranger: User, route: TaskRoute) -> None:
    client = sign_in(stranger)
    assert b"Boats" not in client.get(ROUTES).content
    assert b"Boats" not in client.get("/studio/video/").content
    assert client.get(f"{ROUTES}{route.pk}/").status_code == 404
    assert client.post("/studio/make", {"operation": operation_of(route)}).status_code == 404
    assert catalogue.chosen(stranger.personal_team, operation_of(route)) is None


@pytest.mark.usefixtures("database")
def test_a_key_is_there_once_a_team(
    team: Team, owner: User, stranger: User, route: TaskRoute, definition: dict[str, Any]
) -> None:
    with pytest.raises(DefinitionError) as caught:
        routes.declare(team, owner, definition)
    assert [mistake.place for mistake in caught.value.mistakes] == ["key"]
    assert routes.declare(stranger.personal_team, stranger, definition).team == stranger.personal_team


def test_a_key_that_names_no_version_is_no_operation(db: None) -> None:
    assert catalogue.find(f"custom.{uuid.uuid4().hex}") is None
    assert catalogue.find("custom.none") is None


def test_what_stands_behind_a_question_mark_goes_along(
    team: Team,
    owner: User,
    make: Callable[..., MediaTask],
    definition: dict[str, Any],
    bench: Bench,
    upstream: Upstream,
) -> None:
    create, query = {"path": "/make?kind=boat"}, {"path": "/look?task={id}"}
    route = routes.declare(team, owner, definition | {"create": create, "query": query})
    upstream.say("/make?kind=boat", {"data": {"task_id": "t-1"}})
    upstream.say("/look?task=t-1", {"data": {"task_status": "failed"}})
    task = make(route)
    bench.run()
    bench.again()
    assert fresh(task).status == "failed"


@pytest.mark.parametrize(("status", "held"), [(403, False), (401, True)])
def test_a_forbidden_path_of_it_says_nothing_about_the_key(
    make: Callable[..., MediaTask],
    place: Place,
    route: TaskRoute,
    bench: Bench,
    upstream: Upstream,
    status: int,
    held: bool,
) -> None:
    other, task = place("another boat"), make(route)
    bench.run()
    upstream.say(f"{KLING}/{fresh(task).upstream_id}", {"error": {"message": "No."}}, status)
    bench.again()
    assert (fresh(task).held_at is not None) is held
    assert (fresh(other).held_at is not None) is held
    assert fresh(task).status == "waiting"
