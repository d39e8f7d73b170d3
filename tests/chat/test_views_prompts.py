"""Library prompts in the chat: chosen, filled in, asked and recorded, and made of what was asked."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from playground.chat import turns
from playground.chat.models import Conversation, Draft, Run, Turn
from playground.library import kinds, prompts, versions
from playground.library.models import Prompt, PromptVersion
from tests._servers.goods import finish

HTMX = {"HX-Request": "true"}
SignIn = Callable[[User], Client]
Make = Callable[..., PromptVersion]


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def make(owner: User, team: Team) -> Make:
    def make(text: str = "Tell me about {{topic}}.", *, shared: bool = True, **body: Any) -> PromptVersion:
        settings = {"family": "anthropic", "model": "m-9", "system": "Be brief on {{topic}}."}
        whole = {"messages": [{"role": "user", "text": text}], "settings": settings} | body
        made = prompts.create(team, owner, kind="chat", title="Explain", body=whole, shared=shared)
        return versions.resolve(team, made.slug, user=owner)

    return make


@pytest.fixture
def talk(owner: User, team: Team, chosen: dict[str, Any]) -> Conversation:
    return Conversation.objects.create(owner=owner, team=team, title="Lighthouses", settings=chosen)


def form(version: PromptVersion) -> str:
    return reverse("chat:prompt", args=[version.pk])


def filled(**values: str) -> dict[str, str]:
    return {"v-sent": "1"} | {f"v-{name}": value for name, value in values.items()}


def ask(client: Client, talk: Conversation, settings: dict[str, Any], **more: str) -> Run:
    sent = {"turn_id": str(uuid.uuid4()), "stream": "on", "text": "Tell me about foxes."}
    sent |= {name: settings[name] for name in ("family", "model", "key")} | more
    response = client.post(reverse("chat:ask", args=[talk.pk]), sent, headers=HTMX)
    assert response.status_code == 200, response.content.decode()
    return Run.objects.get(asked_id=sent["turn_id"])


def test_the_list_offers_prompts_that_have_the_words(
    sign_in: SignIn, owner: User, talk: Conversation, make: Make, team: Team
) -> None:
    make()
    prompts.create(
        team, owner, kind="chat", title="Translate", body={"messages": [{"role": "user", "text": "x"}]}
    )
    client = sign_in(owner)
    url = reverse("chat:prompts")
    both = client.get(url, {"conversation": str(talk.pk)}, headers=HTMX).content.decode()
    assert "Explain" in both
    assert "Translate" in both
    found = client.get(url, {"q": "expl"}, headers=HTMX).content.decode()
    assert "Explain" in found
    assert "Translate" not in found
    assert f"?conversation={talk.pk}" in both


def test_the_form_asks_for_each_variable_with_its_type(
    sign_in: SignIn, owner: User, talk: Conversation, make: Make
) -> None:
    declared = [
        {"name": "topic", "type": "choice", "choices": ["foxes", "owls"], "help": "An animal"},
        {"name": "many", "type": "number", "default": "3", "required": False},
        {"name": "polite", "type": "boolean", "default": True},
    ]
    version = make("{{topic}} {{many}} {{polite}}", variables=declared)
    page = sign_in(owner).get(form(version), {"conversation": str(talk.pk)}).content.decode()
    assert "<option>foxes</option>" in page
    assert "An animal" in page
    assert 'name="v-many" value="3" inputmode="decimal"' in page
    assert 'name="v-polite" value="true" checked' in page
    assert "m-9, the system prompt" in page


def test_what_is_missing_is_said_at_its_field_and_what_was_typed_stays(
    sign_in: SignIn, owner: User, talk: Conversation, make: Make
) -> None:
    version = make("{{topic}} {{many}}", variables=[{"name": "many", "type": "number"}])
    sent = filled(topic="", many="a few") | {"conversation": str(talk.pk), "before": "Hello. "}
    response = sign_in(owner).post(form(version), sent, headers=HTMX)
    page = response.content.decode()
    assert response.status_code == 422
    assert "This is needed." in page
    assert "This must be a number" in page
    assert 'value="a few"' in page
    assert 'value="Hello. "' in page
    assert not Draft.objects.exists()


def test_an_inserted_prompt_stands_in_the_composer_with_its_settings(
    sign_in: SignIn, owner: User, talk: Conversation, make: Make
) -> None:
    client, version = sign_in(owner), make()
    sent = filled(topic="foxes") | {"conversation": str(talk.pk), "before": "Hello. ", "settings": "1"}
    response = client.post(form(version), sent, headers=HTMX)
    assert response.headers["HX-Redirect"] == reverse("chat:show", args=[talk.pk])
    page = client.get(response.headers["HX-Redirect"]).content.decode()
    assert ">Hello. Tell me about foxes.</textarea>" in page
    assert f'name="prompt" value="{version.pk}"' in page
    assert "Be brief on foxes." in page
    talk.refresh_from_db()
    assert (talk.settings["family"], talk.settings["model"]) == ("anthropic", "m-9")


def test_settings_stay_where_they_are_not_asked_for_and_the_key_always_does(
    sign_in: SignIn, owner: User, talk: Conversation, make: Make, chosen: dict[str, Any]
) -> None:
    client, version = sign_in(owner), make()
    client.post(form(version), filled(topic="foxes") | {"conversation": str(talk.pk)})
    talk.refresh_from_db()
    assert talk.settings == chosen
    client.post(form(version), filled(topic="foxes") | {"conversation": str(talk.pk), "settings": "1"})
    talk.refresh_from_db()
    assert talk.settings["model"] == "m-9"
    assert talk.settings["key"] == chosen["key"]


def test_a_prompt_goes_into_a_chat_that_is_not_made_yet(sign_in: SignIn, owner: User, make: Make) -> None:
    client, version = sign_in(owner), make()
    sent = filled(topic="foxes") | {"conversation": str(uuid.uuid4()), "settings": "1"}
    response = client.post(form(version), sent)
    assert response.headers["Location"] == reverse("chat:new")
    page = client.get(reverse("chat:new")).content.decode()
    assert ">Tell me about foxes.</textarea>" in page
    assert "Be brief on foxes." in page
    assert not Conversation.objects.exists()


def test_opened_from_the_library_it_begins_a_chat_of_its_own(sign_in: SignIn, mate: User, make: Make) -> None:
    version, client = make(), sign_in(mate)
    kind = kinds.get("chat")
    assert kind is not None
    url, new = kind.open_url(version), uuid.uuid4()
    assert client.get(url).status_code == 200
    for _ in range(2):
        response = client.post(url, filled(topic="owls") | {"new": str(new)})
    made = Conversation.objects.get()
    assert (made.pk, made.owner) == (new, mate)
    page = client.get(response.headers["Location"]).content.decode()
    assert ">Tell me about owls.</textarea>" in page
    assert made.settings["system"] == "Be brief on owls."


def test_a_run_records_the_version_and_the_values(
    sign_in: SignIn, owner: User, talk: Conversation, make: Make, chosen: dict[str, Any]
) -> None:
    client, version = sign_in(owner), make()
    values = json.dumps({"topic": "foxes"})
    run = ask(client, talk, chosen, prompt=str(version.pk), values=values)
    assert (run.prompt_version, run.variables) == (version, {"topic": "foxes"})
    talk.refresh_from_db()
    finish(run)
    free = ask(client, talk, chosen, text="And owls?")
    assert (free.prompt_version, free.variables) == (None, None)


def test_the_details_of_an_answer_name_its_prompt_to_those_who_see_it(
    sign_in: SignIn, owner: User, mate: User, talk: Conversation, make: Make, chosen: dict[str, Any]
) -> None:
    client, version = sign_in(owner), make()
    answer = finish(ask(client, talk, chosen, prompt=str(version.pk), values='{"topic": "foxes"}'))
    url = reverse("chat:details", args=[answer.pk])
    told = client.get(url).content.decode()
    assert ">Explain</a>, version 1" in told
    assert "foxes" in told
    Conversation.objects.update(shared=True)
    Prompt.objects.update(reach="private")
    assert "Explain" not in sign_in(mate).get(url).content.decode()


def test_messages_before_the_question_become_turns_above_it(
    sign_in: SignIn, owner: User, talk: Conversation, make: Make, chosen: dict[str, Any]
) -> None:
    messages = [
        {"role": "user", "text": "Cats"},
        {"role": "assistant", "text": "Felis catus"},
        {"role": "user", "text": "{{topic}}"},
    ]
    client, version = sign_in(owner), make(messages=messages)
    sent = filled(topic="Foxes") | {"conversation": str(talk.pk)}
    page = client.get(client.post(form(version), sent).headers["Location"]).content.decode()
    assert "2 messages go before" in page
    told = client.post(
        reverse("chat:preview", args=[talk.pk]),
        {"text": "Foxes", "prompt": str(version.pk), "values": '{"topic": "Foxes"}'} | chosen,
    ).content.decode()
    assert "Felis catus" in told
    values = json.dumps({"topic": "Foxes"})
    run = ask(client, talk, chosen, text="Foxes", prompt=str(version.pk), values=values)
    assert run.asked.parent is not None
    assert run.asked.parent.text == "Felis catus"
    assert run.asked.parent.parent is not None
    assert run.asked.parent.parent.text == "Cats"


def test_the_draft_keeps_the_prompt_until_it_is_taken_out(
    sign_in: SignIn, owner: User, talk: Conversation, make: Make
) -> None:
    client, version = sign_in(owner), make()
    client.post(form(version), filled(topic="foxes") | {"conversation": str(talk.pk)})
    sent = {"text": "Tell me all about foxes.", "prompt": str(version.pk), "values": '{"topic": "foxes"}'}
    draft = reverse("chat:draft", args=[talk.pk])
    client.post(draft, sent)
    assert str(version.pk) in client.get(reverse("chat:show", args=[talk.pk])).content.decode()
    client.post(draft, {"text": "Something else"})
    assert str(version.pk) not in client.get(reverse("chat:show", args=[talk.pk])).content.decode()


def test_a_prompt_that_may_not_be_run_any_more_is_refused_in_words(
    sign_in: SignIn, owner: User, mate: User, make: Make, chosen: dict[str, Any], team: Team
) -> None:
    version = make()
    talk = Conversation.objects.create(owner=mate, team=team, settings=chosen)
    Prompt.objects.update(reach="private")
    sent = {"text": "x", "prompt": str(version.pk), "values": "{}", "stream": "on"} | {
        name: chosen[name] for name in ("family", "model", "key")
    }
    response = sign_in(mate).post(reverse("chat:ask", args=[talk.pk]), sent, headers=HTMX)
    assert response.status_code == 422
    assert "The prompt is not there any more" in response.content.decode()
    assert not Run.objects.exists()
    assert sign_in(mate).get(form(version)).status_code == 404


def test_regenerating_is_another_run_of_the_same_version(
    owner: User, talk: Conversation, make: Make, chosen: dict[str, Any]
) -> None:
    version = make()
    from playground.chat.origins import Origin

    origin = Origin(version, {"topic": "foxes"})
    first = turns.ask(
        talk, owner, turn_id=uuid.uuid4(), text="Foxes", images=[], settings=chosen, origin=origin
    )
    answer = finish(first)
    again = turns.regenerate(answer, owner, settings=chosen)
    assert (again.prompt_version, again.variables) == (version, {"topic": "foxes"})


def test_a_picture_among_the_values_is_attached_to_the_message(
    sign_in: SignIn, owner: User, talk: Conversation, make: Make
) -> None:
    version = make("Describe {{photo}} please", variables=[{"name": "photo", "type": "image"}])
    address = "https://example.com/fox.png"
    sent = filled(photo=address, topic="x") | {"conversation": str(talk.pk)}
    sign_in(owner).post(form(version), sent)
    draft = Draft.objects.get()
    assert draft.text == "Describe  please"
    assert [image["url"] for image in draft.images] == [address]
    refused = sign_in(owner).post(form(version), sent | {"v-photo": "http://example.com/fox.png"})
    assert refused.status_code == 422
    assert "https://" in refused.content.decode()


# What was asked, kept as a prompt


def keep(client: Client, talk: Conversation, **sent: Any) -> Any:
    return client.post(reverse("chat:keep", args=[talk.pk]), sent, headers=HTMX)


def test_the_start_of_a_chat_becomes_a_prompt(sign_in: SignIn, owner: User, answer: Turn, team: Team) -> None:
    talk = answer.conversation
    Conversation.objects.filter(pk=talk.pk).update(settings=talk.settings | {"system": "Say {{no}}."})
    client = sign_in(owner)
    page = client.get(reverse("chat:keep", args=[talk.pk]), headers=HTMX).content.decode()
    assert ">Why?</textarea>" in page
    assert "Because." not in page
    sent = {"title": "Reasons", "into": "new", "shared": "on", "m-role": "user", "m-text": "Why {{what}}?"}
    response = keep(client, talk, **sent)
    assert response.status_code == 204, response.content.decode()
    assert "Saved as “Reasons”, version 1." in json.loads(response.headers["HX-Trigger"])["toast"]["text"]
    version = PromptVersion.objects.get()
    assert version.body["messages"] == [{"role": "user", "text": "Why {{what}}?"}]
    # Braces that were sent as they are stay no variable.
    assert version.body["settings"]["system"] == "Say \\{{no}}."
    assert version.body["settings"]["model"] == "m-1"
    assert "key" not in version.body["settings"]
    assert (version.prompt.team, version.prompt.reach, version.prompt.kind) == (team, "team", "chat")


def test_a_chat_is_kept_as_far_as_the_chosen_message(
    sign_in: SignIn, owner: User, answer: Turn, chosen: dict[str, Any]
) -> None:
    talk = answer.conversation
    talk.refresh_from_db()
    later = turns.ask(talk, owner, turn_id=uuid.uuid4(), text="And then?", images=[], settings=chosen)
    url = reverse("chat:keep", args=[talk.pk])
    page = sign_in(owner).get(url, {"turn": str(later.asked_id)}, headers=HTMX).content.decode()
    assert page.count('name="m-text"') == 3
    assert "**Because.**" in page


def test_what_came_of_a_prompt_is_offered_as_its_next_version(
    sign_in: SignIn, owner: User, talk: Conversation, make: Make, chosen: dict[str, Any]
) -> None:
    client, version = sign_in(owner), make()
    sent = filled(topic="foxes") | {"conversation": str(talk.pk), "settings": "1"}
    client.post(form(version), sent)
    talk.refresh_from_db()
    settings = talk.settings | {"model": "m-10"}
    Conversation.objects.filter(pk=talk.pk).update(settings=settings)
    run = ask(
        client, talk, settings | {"key": chosen["key"]}, prompt=str(version.pk), values='{"topic": "foxes"}'
    )
    Conversation.objects.filter(pk=talk.pk).update(settings=settings)
    finish(run)
    page = client.get(reverse("chat:keep", args=[talk.pk]), headers=HTMX).content.decode()
    assert "Tell me about {{topic}}." in page
    assert "A new version of “Explain”, after version 1" in page
    sent = {"into": "version", "base": "1", "note": "Newer model", "m-role": "user"}
    assert keep(client, talk, **sent, **{"m-text": "Tell me about {{topic}}."}).status_code == 204
    newest = PromptVersion.objects.get(number=2)
    assert newest.prompt == version.prompt
    assert newest.body["settings"]["model"] == "m-10"
    assert newest.body["settings"]["system"] == "Be brief on {{topic}}."


def test_somebody_elses_newer_version_is_told_before_another_is_put_on_top(
    sign_in: SignIn, owner: User, mate: User, talk: Conversation, make: Make, chosen: dict[str, Any]
) -> None:
    client, version = sign_in(owner), make()
    finish(ask(client, talk, chosen, prompt=str(version.pk), values='{"topic": "foxes"}'))
    other = version.body | {"messages": [{"role": "user", "text": "Mine"}]}
    versions.save(version.prompt, other, "", mate, 1)
    sent = {"into": "version", "base": "1", "m-role": "user", "m-text": "My own {{topic}}"}
    response = keep(client, talk, **sent)
    page = response.content.decode()
    assert response.status_code == 422
    assert "Miguel saved version 2 meanwhile" in page
    assert ">My own {{topic}}</textarea>" in page
    assert 'name="base" value="2"' in page
    assert keep(client, talk, **sent | {"base": "2"}).status_code == 204
    assert PromptVersion.objects.get(number=3).author == owner


def test_a_prompt_needs_a_title_and_a_message(sign_in: SignIn, owner: User, answer: Turn) -> None:
    client = sign_in(owner)
    sent = {"into": "new", "m-role": "user", "m-text": "Why?"}
    untitled = keep(client, answer.conversation, **sent, title="")
    assert untitled.status_code == 422
    assert "Give the prompt a title." in untitled.content.decode()
    empty = keep(client, answer.conversation, **sent | {"m-text": " "}, title="Reasons")
    assert "needs a message or a system prompt" in empty.content.decode()
    assert not Prompt.objects.exists()


def test_what_stands_in_a_new_chat_can_be_kept_before_it_is_asked(sign_in: SignIn, owner: User) -> None:
    client, pk = sign_in(owner), uuid.uuid4()
    client.post(reverse("chat:draft", args=[pk]), {"text": "Explain {{this}}"})
    page = client.get(reverse("chat:keep", args=[pk]), headers=HTMX).content.decode()
    assert ">Explain \\{{this}}</textarea>" in page


def test_who_was_handed_a_chat_learns_nothing_of_the_private_prompt_behind_it(
    sign_in: SignIn, owner: User, mate: User, talk: Conversation, chosen: dict[str, Any], make: Make
) -> None:
    version = make("My secret way to ask about {{topic}}.", shared=False)
    run = ask(sign_in(owner), talk, chosen, prompt=str(version.pk), values='{"topic": "foxes"}')
    finish(run, "Foxes.")
    url = reverse("chat:keep", args=[talk.pk])
    assert "Explain" in sign_in(owner).get(url, headers=HTMX).content.decode()
    Conversation.objects.filter(pk=talk.pk).update(owner=mate)
    told = sign_in(mate).get(url, headers=HTMX).content.decode()
    assert "Tell me about foxes." in told
    for private in ("Explain", "{{topic}}", "secret"):
        assert private not in told
