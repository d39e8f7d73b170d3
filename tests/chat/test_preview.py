"""The request before it is sent: shown, estimated, counted; what would stay behind; marks for the cache."""

from __future__ import annotations

import base64
import io
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from accounts.models import GatewayKey, Team, User
from playground.chat import preview, turns, unsent
from playground.chat.models import Attachment, Conversation, Run, Turn
from playground.gateway.errors import GatewayError
from playground.gateway.request import WireRequest
from playground.gateway.wire import FAMILIES
from playground.ops import catalog
from tests._servers import cast
from tests._servers.goods import finish

HTMX = {"HX-Request": "true"}
ADDRESS = "https://gateway.example.com"
SECRET = "sk-none-of-your-business-4f2a"
SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def premises(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT, settings.GATEWAY_URLS = tmp_path, (ADDRESS,)


@pytest.fixture
def key(owner: User, team: Team) -> GatewayKey:
    return cast.seal_key(owner, team, label="Main", base_url=ADDRESS, secret=SECRET)


@pytest.fixture
def talk(answer: Turn) -> Conversation:
    return Conversation.objects.get(pk=answer.conversation_id)


@pytest.fixture
def page(sign_in: SignIn, owner: User) -> Client:
    return sign_in(owner)


class Upstream:
    """Stands where the transport does: keeps what is sent, answers or fails as told."""

    def __init__(self, answer: dict[str, Any] | GatewayError) -> None:
        self.answer = answer
        self.sent: list[tuple[WireRequest, str, str]] = []

    def send(self, wire: WireRequest, base_url: str, secret: str, *, timeout_s: float) -> bytes:
        self.sent.append((wire, base_url, secret))
        if isinstance(self.answer, GatewayError):
            raise self.answer
        return json.dumps(self.answer).encode()


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Upstream]:
    def stand(answer: Any) -> Upstream:
        made = Upstream(answer)
        monkeypatch.setattr(catalog, "shared_transport", lambda: made)
        return made

    return stand


def fields(key: GatewayKey, text: str = "Hello there", **more: Any) -> dict[str, Any]:
    family = more.get("family", "openai_chat")
    return {
        "family": family,
        "params-of": family,
        "model": "m-1",
        "key": str(key.pk),
        "stream": "on",
        "text": text,
    } | more


def see(page: Client, name: str, data: dict[str, Any], pk: Any = None, **headers: str) -> str:
    response = page.post(reverse(f"chat:{name}", args=[pk or uuid.uuid4()]), data, headers=HTMX | headers)
    assert response.status_code == 200, response.content
    return str(response.content.decode())


def picture(owner: User, team: Team) -> Attachment:
    data = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(data, "PNG")
    row = Attachment(team=team, user=owner, sha256=uuid.uuid4().hex, media_type="image/png", size=1)
    row.file.save("a.png", io.BytesIO(data.getvalue()), save=True)  # type: ignore[arg-type]  # a file for Django
    return row


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_preview_is_what_the_family_would_send_and_hides_the_key(
    page: Client, key: GatewayKey, family: str
) -> None:
    html = see(page, "preview", fields(key, family=family, extra='{"odd_field": 17.5}'))
    assert f"{ADDRESS}/" in html
    assert "••••4f2a" in html
    assert SECRET not in html
    assert "Hello there" in html
    assert "odd_field" in html
    assert "17.5" in html
    assert ("Count exactly" in html) is (FAMILIES[family].counting is not None)


def test_the_preview_of_a_chat_holds_its_branch(page: Client, key: GatewayKey, talk: Conversation) -> None:
    html = see(page, "preview", fields(key, text=""), talk.pk)
    assert "Why?" in html
    assert "**Because.**" in html
    assert "still empty" in html


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_code_sends_what_would_be_sent_with_a_key_from_the_environment(
    page: Client, key: GatewayKey, talk: Conversation, family: str
) -> None:
    html = see(page, "code", fields(key, "And then?", family=family), talk.pk)
    assert html.count('<figure class="code"') == 3
    assert html.count("ANYINT_API_KEY") >= 3
    assert html.count("And then?") == 3
    assert ADDRESS in html
    assert SECRET not in html and "4f2a" not in html


def test_code_for_what_cannot_be_sent_says_why(page: Client, key: GatewayKey) -> None:
    html = see(page, "code", fields(key, extra="{"))
    assert "The extra fields must be valid JSON" in html
    assert "<figure" not in html


def test_a_picture_is_told_by_its_length(page: Client, owner: User, team: Team, key: GatewayKey) -> None:
    row = picture(owner, team)
    with row.file.open("rb") as file:
        encoded = base64.b64encode(file.read()).decode()
    html = see(page, "preview", fields(key, image=str(row.pk), alt=""))
    assert f"{len(encoded):,} characters" in html
    assert encoded[:100] not in html


def test_the_shown_body_keeps_the_spelling_of_numbers_and_the_order_of_names() -> None:
    wire = WireRequest("POST", "/x", b'{"b":1.0,"a":[{}, [], {"deep":[1e5]}],"text":"\xe4\xbd\xa0"}')
    told = preview.shown(wire, None)
    assert told.body.index('"b": 1.0') < told.body.index('"a": [')
    assert "1e5" in told.body
    assert "你" in told.body
    assert json.loads(told.body) == {"b": 1.0, "a": [{}, [], {"deep": [1e5]}], "text": "你"}


def test_a_long_text_that_is_no_base64_is_shown_whole() -> None:
    words = "plain words " * 100
    assert words in preview.shown(WireRequest("POST", "/x", json.dumps([words]).encode()), None).body


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"extra": "{"}, "The extra fields must be valid JSON"),
        ({"on-temperature": "on", "p-temperature": "9"}, "Temperature must be between 0 and 2."),
        ({"schema-on": "on", "schema": "[]"}, "The schema must be a JSON object"),
        ({"image": str(uuid.uuid4()), "alt": ""}, "no longer there"),
        ({"image": "http://example.com/a.png", "alt": ""}, "https"),
    ],
)
def test_what_cannot_be_sent_says_why_instead(
    page: Client, key: GatewayKey, more: dict[str, str], told: str
) -> None:
    html = see(page, "preview", fields(key, **more))
    assert told in html
    assert "Hello there" not in html
    response = page.post(reverse("chat:tokens", args=[uuid.uuid4()]), fields(key, **more), headers=HTMX)
    assert response.status_code == 204


def test_without_a_usable_key_the_preview_says_so(
    sign_in: SignIn, mate: User, team: Team, key: GatewayKey
) -> None:
    html = see(sign_in(mate), "preview", fields(key))
    assert "no key is chosen" in html
    assert "4f2a" not in html
    assert ADDRESS not in html


def test_the_estimate_counts_the_chat_and_what_is_typed(
    page: Client, key: GatewayKey, talk: Conversation
) -> None:
    def tokens(text: str, pk: Any = None) -> int:
        html = see(page, "tokens", fields(key, text=text), pk)
        return int(html.split("≈ ")[1].split(" tokens")[0].replace(",", ""))

    assert tokens("a" * 4000) - tokens("a" * 400) == 900
    assert tokens("Hello", talk.pk) > tokens("Hello")


def test_the_estimate_reads_no_file(page: Client, owner: User, team: Team, key: GatewayKey) -> None:
    row = picture(owner, team)
    row.file.storage.delete(str(row.file.name))
    html = see(page, "tokens", fields(key, text="", image=str(row.pk), alt=""))
    assert "tokens" in html
    assert "cannot be read" in see(page, "preview", fields(key, image=str(row.pk), alt=""))


def test_the_gateway_counts_exactly_where_the_family_has_a_route(
    page: Client, key: GatewayKey, upstream: Callable[[Any], Upstream]
) -> None:
    gateway = upstream({"input_tokens": 1234})
    html = see(page, "count", fields(key, family="anthropic"))
    assert "1,234 tokens" in html
    assert "counted by the gateway" in html
    ((wire, base_url, secret),) = gateway.sent
    assert wire.path.endswith("/count_tokens")
    assert (base_url, secret) == (ADDRESS, SECRET)
    chip = see(page, "count", fields(key, family="anthropic"), **{"HX-Target": "tokens-told"})
    assert "Count again" in chip


def test_a_count_that_fails_says_why_in_words(
    page: Client, key: GatewayKey, upstream: Callable[[Any], Upstream]
) -> None:
    upstream(GatewayError("auth", "invalid key", status=401))
    html = see(page, "count", fields(key, family="anthropic"))
    assert "Not counted." in html
    url = reverse("chat:count", args=[uuid.uuid4()])
    response = page.post(url, fields(key, family="anthropic"), headers=HTMX | {"HX-Target": "tokens-told"})
    assert "Not counted." in response.headers["HX-Trigger"]
    assert "≈" in response.content.decode()


def test_nothing_is_counted_without_a_route_a_key_a_message_or_an_allowed_address(
    page: Client, key: GatewayKey, upstream: Callable[[Any], Upstream], settings: Any
) -> None:
    gateway = upstream({"input_tokens": 1})
    assert "no route" in see(page, "count", fields(key))
    assert "Choose a key" in see(page, "count", fields(key, family="anthropic") | {"key": ""})
    assert "Write a message" in see(page, "count", fields(key, text="", family="anthropic"))
    settings.GATEWAY_URLS = ()
    assert ADDRESS in see(page, "count", fields(key, family="anthropic"))
    assert gateway.sent == []


@pytest.fixture
def reasoned(answer: Turn, talk: Conversation) -> Conversation:
    """A chat whose answer was thought out by another family."""
    Turn.objects.filter(pk=answer.pk).update(
        parts=[{"kind": "thinking", "text": "hm"}, {"kind": "text", "text": "Because."}],
        native='[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"Because."}]',
        native_for="anthropic m-1",
    )
    return talk


def test_what_stays_behind_is_named_on_the_page_and_at_every_change(
    page: Client, key: GatewayKey, reasoned: Conversation
) -> None:
    told = "The reasoning of the answer stays behind: only Anthropic, m-1 can read it."
    assert told in page.get(reverse("chat:show", args=[reasoned.pk])).content.decode()
    assert told in see(page, "tokens", fields(key), reasoned.pk)
    assert told in see(page, "preview", fields(key), reasoned.pk)
    assert told in see(page, "settings", fields(key, family="gemini"), reasoned.pk)
    for name in ("settings", "tokens", "preview"):
        assert told not in see(page, name, fields(key, family="anthropic"), reasoned.pk)


def test_a_file_in_the_composer_is_named_where_the_family_takes_none(page: Client, key: GatewayKey) -> None:
    film = {"image": "https://example.com/film.mp4", "alt": ""}
    assert "takes images only" in see(page, "tokens", fields(key, **film))
    assert "takes images only" not in see(page, "tokens", fields(key, family="gemini", **film))


def test_losses_of_other_branches_and_of_plain_chats_are_none(
    owner: User, answer: Turn, reasoned: Conversation, chosen: dict[str, Any], django_assert_num_queries: Any
) -> None:
    finish(turns.regenerate(answer, owner, settings=chosen))
    reasoned.refresh_from_db()
    assert unsent.losses(reasoned, chosen) == []
    Turn.objects.update(native=None, native_for="")
    with django_assert_num_queries(1):
        assert unsent.losses(reasoned, chosen) == []


def test_losses_take_the_same_queries_however_long_the_chat_is(
    owner: User, reasoned: Conversation, chosen: dict[str, Any]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert unsent.losses(reasoned, chosen)
        return len(captured)

    before = queries()
    for at in range(5):
        finish(turns.ask(reasoned, owner, turn_id=uuid.uuid4(), text=f"{at}", images=[], settings=chosen))
    assert queries() == before


def test_equal_losses_are_told_once_and_counted() -> None:
    assert unsent.told(["a", "b", "a"]) == ["a (2 times)", "b"]


def test_looking_and_counting_write_nothing(page: Client, key: GatewayKey, talk: Conversation) -> None:
    before = Turn.objects.count(), Run.objects.count()
    for name in ("preview", "tokens"):
        see(page, name, fields(key), talk.pk)
    assert (Turn.objects.count(), Run.objects.count()) == before


def test_a_turn_is_marked_for_the_cache_and_unmarked(page: Client, key: GatewayKey, answer: Turn) -> None:
    asked = answer.parent
    assert asked is not None
    html = see(page, "cache-turn", {}, asked.pk)
    assert 'aria-pressed="true"' in html
    body = see(page, "preview", fields(key, family="anthropic"), answer.conversation_id)
    assert "cache_control" in body
    assert 'aria-pressed="false"' in see(page, "cache-turn", {}, asked.pk)
    assert page.post(reverse("chat:cache-turn", args=[asked.pk])).status_code == 302


@pytest.mark.parametrize(("who", "status"), [("mate", 404), ("viewer", 404), ("stranger", 404)])
@pytest.mark.parametrize("name", ["preview", "tokens", "count"])
def test_a_chat_of_somebody_else_is_not_previewed(
    name: str,
    who: str,
    status: int,
    request: pytest.FixtureRequest,
    sign_in: SignIn,
    key: GatewayKey,
    talk: Conversation,
) -> None:
    client = sign_in(request.getfixturevalue(who))
    assert client.post(reverse(f"chat:{name}", args=[talk.pk]), fields(key)).status_code == status
