"""A comparison that cannot begin: nothing at all is made, what was typed stays, and it is said why."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import GatewayKey, Team, User
from playground.chat.models import Run, Turn
from playground.usage import budgets
from playground.usage.models import Reservation
from tests.compare.asking import Compared, SignIn, begin, errors_on, form, refused, typed_on, url

pytestmark = pytest.mark.usefixtures("database")


def said_on(html: str) -> str:
    """The sentence above the form."""
    return html.split('role="alert"')[1].split("<p>")[1].split("</p>")[0]


def padded(values: list[str], filling: str) -> list[str]:
    return values + [filling] * (6 - len(values))


def kept(html: str, data: dict[str, Any]) -> None:
    """Everything that was sent stands in the form as it was sent."""
    typed = typed_on(html)
    for name in ("text", "system", "turn_id", "key"):
        assert typed[name] == [data[name]]
    for name, filling in (("model", ""), ("family", "openai_chat"), ("temperature", ""), ("max_tokens", "")):
        assert typed[f"lane-{name}"] == padded(data[f"lane-{name}"], filling)


OWN = {"system": "Be\nbrief & <kind>.", "text": "Why </textarea>?"}


@pytest.mark.parametrize("models", [[], ["m-1"], ["m-1", *[""] * 5], [f"m-{number}" for number in range(7)]])
def test_one_model_is_too_few_and_seven_are_too_many(
    models: list[str], sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    rows: dict[str, Any] = {
        "temperature": ["0.5" if model else "" for model in models],
        "family": ["gemini" if model else "openai_chat" for model in models],
    }
    data = form(key, *models, **rows, **OWN)
    html = refused(sign_in(owner), data)
    assert said_on(html) == "Choose 2 to 6 models to compare."
    kept(html, data)


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_a_question_without_words_is_refused(
    text: str, sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    data = form(key, "m-1", "m-2", text=text, max_tokens=["5", "6"])
    html = refused(sign_in(owner), data)
    assert said_on(html) == "Write what the models shall answer."
    kept(html, data)
    assert 'name="text" rows="4" maxlength="2000000" required' in html
    assert 'aria-invalid="true">' in html


@pytest.mark.parametrize(
    ("field", "said"),
    [("text", "The question is longer than"), ("system", "The system prompt is longer than")],
)
def test_too_long_a_text_is_refused_and_kept(
    field: str, said: str, sign_in: SignIn, owner: User, key: GatewayKey, settings: LazySettings
) -> None:
    settings.MAX_PROMPT_CHARS = 1000
    client = sign_in(owner)
    data = form(key, "m-1", "m-2", **{field: "x" * 1001})
    html = refused(client, data)
    assert said_on(html) == f"{said} 1,000 characters."
    kept(html, data)
    begin(client, form(key, "m-1", "m-2", **{field: "x" * 1000}))


def test_a_key_that_is_not_ones_own_is_as_unknown_as_none(
    sign_in: SignIn, mate: User, key: GatewayKey, team_key: GatewayKey
) -> None:
    client = sign_in(mate)
    for wanted in (str(key.pk), str(uuid.uuid4()), "nonsense", ""):
        data = form(key, "m-1", "m-2", **OWN) | {"key": wanted}
        html = refused(client, data)
        assert said_on(html) == "Choose a key first, or add one in Settings."
        assert typed_on(html)["text"] == [OWN["text"]]
        assert "key" not in typed_on(html)
        assert 'class="field has-error"><label for="key">' in html


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("temperature", "warm", "Temperature must be a number, such as 0.7."),
        ("temperature", "2.1", "Temperature must be between 0 and 2."),
        ("temperature", "-1", "Temperature must be between 0 and 2."),
        ("temperature", "nan", "Temperature must be a number, such as 0.7."),
        ("max_tokens", "1.5", "Max tokens must be a whole number."),
        ("max_tokens", "0", "Max tokens must be between 1 and 2147483647."),
    ],
)
def test_a_setting_that_cannot_be_is_said_at_its_own_field(
    name: str, value: str, said: str, sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    typed: dict[str, Any] = {name: ["1", value, ""]}
    data = form(key, "m-1", "m-2", "m-3", **typed, **OWN)
    html = refused(sign_in(owner), data)
    assert errors_on(html) == {(label(name), 2): f"m-2: {said}"}
    assert said_on(html) == f"m-2: {said}"
    kept(html, data)
    (field,) = (part for part in html.split("<input ") if part.startswith(f'id="lane-{label(name)}-2"'))
    assert f'aria-invalid="true" aria-describedby="lane-{label(name)}-2-error"' in field.split(">")[0]


def label(name: str) -> str:
    return name.removesuffix("_tokens")


def test_what_one_family_takes_another_may_not(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    rows: dict[str, Any] = {"family": ["openai_chat", "anthropic"], "temperature": ["1.5", "1.5"]}
    html = refused(sign_in(owner), form(key, "m-1", "m-2", **rows))
    assert errors_on(html) == {("temperature", 2): "m-2: Temperature must be between 0 and 1."}


def test_every_wrong_field_is_marked_at_once(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    data = form(key, "m-1", "m-2", text="", temperature=["9", "x"], max_tokens=["x", ""]) | {"key": ""}
    html = refused(sign_in(owner), data)
    assert set(errors_on(html)) == {("temperature", 1), ("max", 1), ("temperature", 2)}
    assert html.count('class="field has-error"') == 5


def test_a_refused_form_can_be_mended_and_sent_again(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    client, pk = sign_in(owner), uuid.uuid4()
    data = form(key, "m-1", "m-2", temperature=["9", ""])
    html = refused(client, data, pk)
    assert f'action="{url("ask", pk)}"' in html
    response = client.post(url("ask", pk), data | {"lane-temperature": ["1", ""]})
    assert response["Location"] == url("show", pk)
    assert str(Turn.objects.get(role="user").pk) == data["turn_id"]


def test_where_the_places_of_a_person_do_not_suffice_no_model_is_asked(
    sign_in: SignIn, owner: User, key: GatewayKey, settings: LazySettings
) -> None:
    settings.MAX_RUNS_PER_USER = 5
    client = sign_in(owner)
    begin(client, form(key, "m-1", "m-2"))
    data = form(key, "m-3", "m-4", "m-5", "m-6", **OWN)
    html = refused(client, data)
    assert said_on(html).startswith("Model 4, m-6: ")
    assert "of your answers are written at once" in said_on(html)
    kept(html, data)
    begin(client, data | {"lane-model": ["m-3", "m-4", "m-5"]})


def test_where_a_budget_lasts_for_one_of_two_none_is_asked(
    sign_in: SignIn, owner: User, team: Team, key: GatewayKey
) -> None:
    budgets.put(
        team, owner, key=None, person=owner, period="day", measure="tokens", limit=6000, warn_percent=80
    )
    client = sign_in(owner)
    data = form(key, "m-1", "m-2", **OWN)
    html = refused(client, data)
    assert said_on(html).startswith("Model 2, m-2: The budget is used up")
    assert not Reservation.objects.exists()
    kept(html, data)
    begin(client, data | {"lane-max_tokens": ["2000", "2000"]})
    assert Reservation.objects.count() == 2


def test_a_question_of_another_conversation_is_not_asked_a_second_time(
    sign_in: SignIn, owner: User, key: GatewayKey, compared: Compared
) -> None:
    asked = Turn.objects.get(conversation=compared(owner), role="user")
    html = refused(sign_in(owner), form(key, "m-1", "m-2") | {"turn_id": str(asked.pk)})
    assert said_on(html) == "This question was already sent elsewhere. Reload the page."


def test_a_viewer_begins_nothing(sign_in: SignIn, viewer: User, team_key: GatewayKey) -> None:
    response = sign_in(viewer).post(url("ask", uuid.uuid4()), form(team_key, "m-1", "m-2"))
    assert response.status_code == 403
    assert not Run.objects.exists()
