"""What people type and paste that is not what they meant: told at its place, and nothing of it is lost."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from django.conf import settings

from tests._servers import cast
from tests._servers.processes import until
from tests.faults.standing import HTMX, Standing, answered, words

# A lone surrogate as a broken program writes it: no form of a browser can hold one.
SURROGATE = b"\xed\xa0\x80"
BINARY = bytes(range(256)) * 40


def complaint(there: Standing, model: str = "demo-chat", **fields: Any) -> str:
    """Why a message was refused, as it stands above the composer."""
    response = there.send(model, **fields).response
    assert response.status_code == 422
    assert response.headers["HX-Retarget"] == "#complaint"
    return words(response.text)


@pytest.mark.parametrize("text", ["", "   \n\t "])
def test_an_empty_message_is_refused_where_it_was_typed(there: Standing, text: str) -> None:
    assert complaint(there, text=text).startswith("Write a message, or attach an image.")


def test_a_message_of_a_megabyte_is_asked_and_shown(there: Standing) -> None:
    line = "A line of a long log file, number 0123456789; "
    text = (line * (2**20 // len(line) + 1))[: 2**20]
    sent = there.send("demo-chat", text)
    assert answered(sent.ended())
    source = sent.visitor.get(f"/chat/turn/{sent.turn}/source")
    assert source.text == text


def test_a_message_that_is_too_long_says_how_long_it_may_be(there: Standing) -> None:
    said = complaint(there, text="x" * 2_000_001)
    assert said.startswith("This message has 2,000,001 characters; at most 2,000,000 can be sent.")


def test_the_longest_message_fits_into_a_form_in_any_script() -> None:
    # Nine bytes a character on the way. Past the limit Django refuses the form without a word about it.
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE > 9 * settings.MAX_PROMPT_CHARS
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE < settings.MAX_REQUEST_BYTES


def test_what_is_refused_without_script_comes_back_as_it_was_typed(there: Standing) -> None:
    visitor = there.visitor()
    pk = "7b2f8a52-1111-4222-8333-944455556666"
    typed = "Kept, with <b>signs</b> & more"
    data = {
        "text": typed,
        "model": "",
        "key": there.demo_key(),
        "system": "Be brief.",
        "family": "openai_chat",
    }
    page = visitor.post(f"/chat/{pk}/ask", data=data | {"p-max_tokens": "many", "on-max_tokens": "on"})
    assert page.status_code == 422
    assert "Kept, with &lt;b&gt;signs&lt;/b&gt; &amp; more" in page.text
    assert "Be brief." in page.text
    assert 'value="many"' in page.text


def test_binary_rubbish_is_kept_as_text(there: Standing) -> None:
    data = {"turn_id": "", "model": "demo-chat", "key": there.demo_key(), "family": "openai_chat"}
    body = "&".join(f"{name}={value}" for name, value in data.items()) + f"&text={quote_from_bytes(BINARY)}"
    pk = "7b2f8a52-1111-4222-8333-00000000000" + ("1" if there.place.mode == "embedded" else "2")
    headers = HTMX | {"Content-Type": "application/x-www-form-urlencoded"}
    response = there.visitor().post(f"/chat/{pk}/ask", content=body.encode(), headers=headers)
    assert response.status_code == 200, response.text
    for html in (response.text, there.visitor().get(f"/chat/{pk}/").text):
        assert "\u2400\x01\x02" in html
        assert "0123456789:;&lt;=&gt;?@ABCDEF" in html


@pytest.mark.parametrize("bad", [b"\0", SURROGATE], ids=["nul", "surrogate"])
@pytest.mark.parametrize(
    "place", ["text", "system", "alt", "model", "params", "draft", "title", "label", "search"]
)
def test_signs_a_database_refuses_are_replaced_visibly(there: Standing, place: str, bad: bytes) -> None:
    visitor, raw = there.visitor(), quote_from_bytes(b"Before" + bad + b"After")
    talk = there.send("demo-chat")
    talk.ended()
    base = f"turn_id=&key={there.demo_key()}&family=openai_chat&stream=on"
    address = f"/chat/{talk.conversation}/ask"
    body = f"{base}&model=demo-chat&text=hello"
    match place:
        case "text":
            body = f"{base}&model=demo-chat&text={raw}"
        case "system":
            body += f"&system={raw}"
        case "alt":
            body += f"&image={quote('https://example.com/a.png')}&alt={raw}"
        case "model":
            body = f"{base}&model={raw}&text=hello"
        case "params":
            body += f"&on-stop=on&p-stop={raw}"
        case "draft":
            address, body = f"/chat/{talk.conversation}/draft", f"text={raw}"
        case "title":
            address, body = f"/chat/{talk.conversation}/rename", f"title={raw}"
        case "label":
            address, body = "/settings/keys/", f"label={raw}&base_url={quote(there.demo)}&secret=demo-key"
        case "search":
            address, body = f"/chat/list?q={raw}", ""
    headers = HTMX | {"Content-Type": "application/x-www-form-urlencoded"}
    if place == "search":
        response = visitor.get(address, headers=HTMX)
    else:
        response = visitor.post(address, content=body.encode(), headers=headers)
    assert response.status_code in (200, 204, 422), response.text
    if place in ("text", "system", "alt", "params", "model"):
        assert response.status_code == 200
        until(lambda: "data-live" not in visitor.get(f"/chat/{talk.conversation}/thread").text)
    shown = visitor.get(f"/chat/{talk.conversation}/").text + visitor.get("/settings/keys/").text
    if place == "label":
        assert re.search(r"Before.{0,3}After|null characters", response.text)
    elif place == "title":
        assert re.search(r"Before.{1,3}After", shown) or "ull character" in response.text
    elif place != "search":
        assert re.search("Before[\u2400\ufffd]{1,3}After", shown), shown


def test_a_model_id_with_a_slash_is_asked_as_it_is(there: Standing) -> None:
    key = there.key("sk-of-the-slash-00000000")
    assert "A model with a slash." in words(there.send("vendor/model:free@v1", key=key).ended())
    assert there.upstream.bodies[-1]["model"] == "vendor/model:free@v1"
    assert answered(there.send("demo/with-slash").ended())


def test_a_model_nobody_knows_says_so_and_offers_no_retry(there: Standing) -> None:
    html = there.send("no-such-model").ended()
    assert "Not allowed with this key" in html
    assert "may not call the requested model" in html
    assert "Try again" not in html


def test_no_model_and_one_too_long_are_no_accident(there: Standing) -> None:
    assert complaint(there, "") == "Choose a model first."
    assert "Not allowed with this key" in there.send("m" * 5000).ended()


def test_a_wrong_key_leads_to_the_keys(there: Standing) -> None:
    key = there.key("sk-the-wrong-one-refused")
    html = there.send("echo-key", key=key).ended()
    assert "The key was not accepted" in html
    assert 'href="/settings/keys/"' in html
    assert "Try again" not in html
    assert "sk-the-wrong-one" not in html


def test_a_wrong_key_for_the_demo_is_told_when_it_is_saved(there: Standing) -> None:
    fields = {"label": "Wrong", "base_url": there.demo, "secret": "not-the-demo-key"}
    page = there.visitor().post("/settings/keys/", data=fields)
    assert "saved, but refused by the gateway" in words(page.text)


def test_a_revoked_key_is_named_and_the_message_stays(there: Standing) -> None:
    key = there.key("sk-soon-revoked-00000000")
    there.visitor().post(f"/settings/keys/{key}/revoke/").raise_for_status()
    said = complaint(there, key=key)
    assert re.fullmatch(r"The key “Key \w+” was revoked. Choose another one\.", said)


def test_the_key_of_another_team_is_nobodys_to_use(there: Standing) -> None:
    theirs = there.key("sk-of-a-stranger-0000000", name=cast.STRANGER)
    assert complaint(there, key=theirs) == "This key is not yours to use, or is gone. Choose another one."
    assert not [key for key, _ in there.upstream.asked if key == "sk-of-a-stranger-0000000"]


@pytest.mark.parametrize("key", ["", "x", "00000000-0000-4000-8000-000000000000", "'; DROP TABLE --"])
def test_a_key_that_is_none_is_refused(there: Standing, key: str) -> None:
    assert re.match("Choose a key first|This key is not yours", complaint(there, key=key))


def test_a_key_sealed_under_another_ring_says_what_to_do_and_stays_out_of_the_request(
    there: Standing,
) -> None:
    key = there.key("sk-under-another-ring-00")
    code = (
        "from accounts import vault; from accounts.models import GatewayKey as K;"
        f"k = K.objects.get(pk='{key}');"
        "s = vault.seal('sk-under-another-ring-00', row=k.pk, team=k.team_id);"
        "K.objects.filter(pk=k.pk).update(sealed=s[0], vault_key_id=s[1])"
    )
    there.manage(code, VAULT_KEYS=f"lost:{'A' * 43}")
    html = there.send("good", key=key).ended()
    assert "The key was not accepted" in html
    assert "sealed with the vault key lost, which is not in VAULT_KEYS" in words(html)
    page = words(there.visitor().get("/settings/keys/").text)
    assert "Cannot be used" in page
    there.works()
