"""Library prompts in the studio: forms kept as prompts, prompts opened in their form, tasks of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.gateway.media.registry import OPERATIONS
from playground.library import examples, kinds, prompts, versions, waiting
from playground.library.models import Prompt, PromptVersion
from playground.media import followups
from playground.media import prompts as media_prompts
from playground.media.forms import Filled
from playground.media.models import Asset, MediaTask, Upload
from tests.media.upstream import png

SignIn = Callable[[User], Client]
Make = Callable[..., PromptVersion]
HTMX = {"HX-Request": "true"}
VALUES = {"model": "kling-v3", "prompt": "a {{what}}", "mode": "std"}
STUDIO = "/studio/video/?operation=kling.text2video"


@pytest.fixture
def make(owner: User, team: Team) -> Make:
    def make(kind: str = "video", operation: str = "kling.text2video", **more: Any) -> PromptVersion:
        body = {"operation": operation, "model": "kling-v3", "values": VALUES} | more
        made = prompts.create(team, owner, kind=kind, title="Boats", body=body, shared=True)
        return versions.resolve(team, made.slug, user=owner)

    return make


def form(key: GatewayKey, **more: str) -> dict[str, str]:
    told = {"operation": "kling.text2video", "p-model": "kling-v3", "p-prompt": "a boat", "p-mode": "std"}
    return told | {"key": str(key.pk), "form_id": str(uuid.uuid4())} | more


def opened(version: PromptVersion) -> str:
    kind = kinds.get(version.prompt.kind)
    assert kind is not None
    return kind.open_url(version)


def test_a_prompt_is_opened_in_its_form_with_its_values(
    sign_in: SignIn, mate: User, key: GatewayKey, make: Make
) -> None:
    client, version = sign_in(mate), make()
    assert 'name="v-what"' in client.get(opened(version)).content.decode()
    response = client.post(opened(version), {"v-sent": "1", "v-what": "red boat"})
    assert response.headers["Location"] == STUDIO
    page = client.get(STUDIO).content.decode()
    assert ">a red boat</textarea>" in page
    assert f'name="prompt" value="{version.pk}"' in page


def test_a_prompt_without_variables_stands_in_its_form_at_once(
    sign_in: SignIn, mate: User, key: GatewayKey, make: Make
) -> None:
    client, version = sign_in(mate), make(values=VALUES | {"prompt": "a boat"})
    page = client.get(opened(version), follow=True).content.decode()
    assert ">a boat</textarea>" in page
    assert f'name="prompt" value="{version.pk}"' in page


def test_a_missing_value_is_said_at_its_field(
    sign_in: SignIn, mate: User, key: GatewayKey, make: Make
) -> None:
    response = sign_in(mate).post(opened(make()), {"v-sent": "1", "v-what": " "})
    assert response.status_code == 422
    assert "This is needed." in response.content.decode()


def test_a_task_records_the_version_and_the_values(
    sign_in: SignIn, owner: User, key: GatewayKey, make: Make
) -> None:
    client, version = sign_in(owner), make()
    told = form(key, prompt=str(version.pk), variables='{"what": "boat"}')
    assert client.post("/studio/make", told).status_code == 302
    task = MediaTask.objects.get()
    assert (task.prompt_version, task.variables) == (version, {"what": "boat"})
    page = client.get(f"/studio/task/{task.pk}/").content.decode()
    assert ">Boats</a>, version 1" in page
    again = followups.retry_as_new(task, owner, task.team, uuid.uuid4())
    assert (again.prompt_version, again.variables) == (version, {"what": "boat"})
    client.post("/studio/make", form(key))
    free = MediaTask.objects.order_by("created_at").last()
    assert free is not None
    assert (free.prompt_version, free.variables) == (None, None)


def test_a_prompt_that_is_gone_is_told_and_the_form_stays(
    sign_in: SignIn, owner: User, key: GatewayKey, make: Make
) -> None:
    version = make()
    told = form(key, prompt=str(version.pk), variables='{"what": "boat"}')
    Prompt.objects.all().delete()
    response = sign_in(owner).post("/studio/make", told, headers=HTMX)
    assert response.status_code == 422
    assert "The prompt is not there any more" in response.content.decode()
    assert ">a boat</textarea>" in response.content.decode()
    assert not MediaTask.objects.exists()


def test_a_picture_among_the_values_goes_into_the_field_that_names_it(
    sign_in: SignIn, owner: User, key: GatewayKey, make: Make
) -> None:
    version = make(
        operation="kling.image2video",
        values=VALUES | {"prompt": "move", "image": ["{{photo}}"]},
        variables=[{"name": "photo", "type": "image"}],
    )
    client = sign_in(owner)
    picture = SimpleUploadedFile("boat.png", png(), content_type="image/png")
    response = client.post(opened(version), {"v-sent": "1", "v-photo": "", "v-file-photo": picture})
    upload = Upload.objects.get()
    page = client.get(response.headers["Location"]).content.decode()
    assert f'value="upload:{upload.pk}"' in page
    chats = client.post(opened(version), {"v-sent": "1", "v-photo": f"attachment:{uuid.uuid4()}"})
    assert chats.status_code == 422
    assert "belongs to a chat" in chats.content.decode()


def test_what_may_not_be_run_cannot_be_opened(
    sign_in: SignIn, mate: User, viewer: User, key: GatewayKey, make: Make
) -> None:
    version = make()
    assert sign_in(viewer).get(opened(version)).status_code == 403
    Prompt.objects.update(reach="private")
    assert sign_in(mate).get(opened(version)).status_code == 404
    page = sign_in(mate).get(f"{STUDIO}&prompt={version.pk}").content.decode()
    assert str(version.pk) not in page


# Forms kept as prompts


def test_a_form_is_kept_as_a_prompt(sign_in: SignIn, owner: User, key: GatewayKey, team: Team) -> None:
    client = sign_in(owner)
    told = form(key, **{"p-prompt": "a {{fast}} boat", "p-duration": "5", "extra": '{"x": 1}'})
    asked = client.post(reverse("media:keep"), told, headers=HTMX).content.decode()
    # Braces that stand in the form are meant as they are, until somebody says otherwise here.
    assert ">a \\{{fast}} boat</textarea>" in asked
    sent = {"operation": "kling.text2video", "into": "new", "title": "Boats", "m-prompt": "a {{fast}} boat"}
    response = client.post(reverse("media:keep"), sent, headers=HTMX)
    assert response.status_code == 204, response.content.decode()
    version = PromptVersion.objects.get()
    assert (version.prompt.kind, version.prompt.reach) == ("video", "private")
    assert version.body["operation"] == "kling.text2video"
    assert version.body["model"] == "kling-v3"
    assert version.body["values"]["prompt"] == "a {{fast}} boat"
    assert version.body["values"]["duration"] == "5"
    assert version.body["extra"] == '{"x": 1}'
    assert "key" not in json.dumps(version.body)


def test_what_came_of_a_prompt_is_offered_as_its_next_version(
    sign_in: SignIn, owner: User, key: GatewayKey, make: Make
) -> None:
    client, version = sign_in(owner), make()
    told = form(key, prompt=str(version.pk), variables='{"what": "boat"}', **{"p-mode": "pro"})
    asked = client.post(reverse("media:keep"), told, headers=HTMX).content.decode()
    assert ">a {{what}}</textarea>" in asked
    assert "A new version of “Boats”, after version 1" in asked
    sent = {"operation": "kling.text2video", "into": "version", "base": "1", "m-prompt": "a {{what}}"}
    assert client.post(reverse("media:keep"), sent, headers=HTMX).status_code == 204
    newest = PromptVersion.objects.get(number=2)
    assert newest.body["values"]["mode"] == "pro"
    assert newest.body["values"]["prompt"] == "a {{what}}"


def test_a_viewer_keeps_no_prompts(sign_in: SignIn, viewer: User, key: GatewayKey) -> None:
    assert sign_in(viewer).post(reverse("media:keep"), form(key)).status_code == 403


@pytest.mark.parametrize("operation", list(OPERATIONS.values()), ids=list(OPERATIONS))
def test_every_form_survives_being_kept_and_opened(operation: Any, team: Team, owner: User) -> None:
    values = {spec.name: _some(spec) for spec in operation.fields if spec.name not in operation.takes_result}
    files: dict[str, Any] = {row.name: [{"url": "https://example.com/a"}] for row in operation.files}
    if operation.files:
        files[operation.files[0].name] = [{"upload": str(uuid.uuid4())}, {"asset": str(uuid.uuid4())}]
    filled = Filled(values=values, files=files, extra='{"a": 1}')
    kind = media_prompts.kind_of(operation)
    body = media_prompts.body_of(operation, filled)
    assert [kind.check(body) for kind in [kinds.get(kind)] if kind] == [[]]
    made = prompts.create(team, owner, kind=kind, title="x", body=body)
    found = media_prompts.opened(versions.resolve(team, made.slug, user=owner), {}, owner)
    assert isinstance(found, Filled)
    assert dict(found.values) == {name: value for name, value in values.items() if value}
    assert {name: list(refs) for name, refs in found.files.items()} == files
    assert found.extra == filled.extra


def _some(spec: Any) -> str:
    if spec.choices:
        return str(spec.choices[0])
    if spec.kind in ("int", "float"):
        return f"{max(spec.minimum or 1, 1):g}"
    # A text with what looks like a placeholder, which nobody meant as one.
    return {"bool": "true", "list": "a", "json": "{}"}.get(spec.kind, "say {{this}}")


# As the library sees them


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"operation": "no.such"}, "operation"),
        ({"operation": "openai.images"}, "operation"),
        ({"values": []}, "values"),
        ({"values": VALUES | {"smell": "sweet"}}, "values.smell"),
        ({"values": VALUES | {"mode": "slow"}}, "values.mode"),
        ({"operation": "kling.image2video", "values": VALUES | {"image": ["ftp://x"]}}, "values.image"),
        ({"extra": "[]"}, "extra"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(change: dict[str, Any], path: str, db: None) -> None:
    kind = kinds.get("video")
    assert kind is not None
    body: dict[str, Any] = {"operation": "kling.text2video", "values": VALUES}
    assert kind.check(body) == []
    assert [complaint.path for complaint in kind.check(body | change)] == [path]


def test_words_are_shown_by_their_fields_and_the_rest_as_settings(db: None) -> None:
    kind = kinds.get("video")
    assert kind is not None
    body = {"operation": "kling.text2video", "model": "kling-v3", "values": VALUES, "extra": '{"a": 1}'}
    shown = {section.key: section for section in kind.parts(body)}
    assert shown["operation"].text == f"{OPERATIONS['kling.text2video'].label} · kling-v3"
    assert shown["values.prompt"].text == "a {{what}}"
    assert '"mode": "std"' in shown["values"].text
    assert shown["extra"].text == '{"a": 1}'


def test_a_version_is_made_in_the_background(owner: User, key: GatewayKey, make: Make) -> None:
    version = make()
    kind = kinds.get("video")
    assert kind is not None
    assert kind.run is not None
    url = kind.run(version, {"what": "boat"}, owner, None)
    task = MediaTask.objects.get()
    assert url == f"/studio/task/{task.pk}/"
    assert task.inputs["values"]["prompt"] == "a boat"
    assert (task.prompt_version, task.variables, task.key) == (version, {"what": "boat"}, key)
    with pytest.raises(ValueError, match="what: This is needed"):
        kind.run(version, {}, owner, key)


def test_all_examples_are_made_though_there_are_more_than_places(
    owner: User, key: GatewayKey, make: Make, settings: Any
) -> None:
    settings.MAX_TASKS_PER_USER = 5
    version, names = make(), [f"boat {number}" for number in range(6)]
    for name in names:
        examples.keep(version.prompt, owner, name, {"what": name})
    started = examples.run_all(version, owner, key)
    assert (list(started.urls), started.waiting, started.errors) == (names[:4], names[4:], {})
    assert waiting.begin() == 0
    MediaTask.objects.update(status="succeeded", ended_at=timezone.now())
    assert waiting.begin() == 2
    assert set(MediaTask.objects.values_list("variables__what", flat=True)) == set(names)


def test_uses_tell_what_came_of_a_version(
    database: str, owner: User, mate: User, stranger: User, team: Team, key: GatewayKey, make: Make
) -> None:
    version = make()
    kind = kinds.get("video")
    assert kind is not None
    assert kind.run is not None
    kind.run(version, {"what": "boat"}, owner, key)
    task = MediaTask.objects.get()
    begun = timezone.now()
    MediaTask.objects.update(status="succeeded", submitted_at=begun, ended_at=begun)
    asset = Asset.objects.create(
        task=task, ordinal=0, kind="video", key="v", status="kept", kept_at=begun, file="a", thumbnail="b"
    )
    (use,) = kinds.uses_of(version.prompt, mate)
    assert (use.subject, use.user, use.number, use.state) == (f"task:{task.pk}", owner, 1, "succeeded")
    assert (use.values, use.latency_ms, use.tokens) == ({"what": "boat"}, 0, None)
    assert use.thumbnail == reverse("media:thumbnail", args=[asset.pk])
    assert use.ended
    assert kinds.last_runs([version.prompt]) == {version.prompt_id: task.created_at}
    assert len(kinds.evidence(team.pk, [f"task:{task.pk}", "task:x"], mate)) == 1
    assert kinds.evidence(team.pk, [f"task:{task.pk}"], stranger) == []
