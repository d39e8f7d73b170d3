"""What a person can ask works in every family, streamed and not, in both modes: real servers, the demo."""

from __future__ import annotations

import io
import json
import re
import uuid
from typing import Any

import pytest
from PIL import Image

from playground.gateway.wire import FAMILIES
from tests._servers.processes import until
from tests.chat.talk import Asked, ask, key_named

WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": json.dumps(
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    ),
    "mock": '{"sky": "violet hail"}',
}
STOCK = {
    "name": "get_stock",
    "description": "How many of an item are in stock",
    "parameters": json.dumps(
        {"type": "object", "properties": {"item": {"type": "string"}}, "required": ["item"]}
    ),
    "mock": '{"left": 4711}',
}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "height_m": {"type": "number"}},
    "required": ["name", "height_m"],
    "additionalProperties": False,
}

each_family = pytest.mark.parametrize("family", FAMILIES)
BOTH_WAYS: tuple[dict[str, Any], ...] = ({"stream": "on"}, {"stream": None})


def ended(asked: Asked) -> str:
    """The thread's HTML once nothing in it runs any more.

    Looked at twice: a look that reads the branch just before a round of calls ends, and the state of its
    answer just after, sees neither that answer run nor the next one. The next look sees the next one.
    """

    def over() -> bool:
        return all("data-live" not in _thread(asked) for _ in range(2))

    until(over)
    return _thread(asked)


def _thread(asked: Asked) -> str:
    return asked.visitor.get(f"/chat/{asked.conversation}/thread", headers={"HX-Request": "true"}).text


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def finished(asked: Asked) -> str:
    """The thread's words once an answer in it is done; rounds of tool calls end otherwise."""
    until(lambda: "Finished" in words(ended(asked)))
    return words(ended(asked))


def ask_more(asked: Asked, model: str, text: str, family: str, **more: Any) -> str:
    """Ask on in the same conversation; the thread's HTML once that is answered."""
    data = {"turn_id": str(uuid.uuid4()), "text": text, "model": model, "family": family}
    data |= {"key": key_named(asked.visitor)}
    url = f"/chat/{asked.conversation}/ask"
    response = asked.visitor.post(url, data=data | {"stream": "on"} | more, headers={"HX-Request": "true"})
    assert response.status_code == 200, response.text
    return ended(asked)


@each_family
def test_a_question_is_answered(site: Any, signed_in: Any, mode: str, family: str) -> None:
    visitor = signed_in(site(mode))
    for stream in BOTH_WAYS:
        asked = ask(visitor, "demo-chat", family=family, **stream)
        html = ended(asked)
        assert "Finished" in words(html)
        assert "lighthouse" in words(html).lower()


@each_family
def test_a_picture_is_seen(site: Any, signed_in: Any, mode: str, family: str) -> None:
    visitor = signed_in(site(mode))
    file = io.BytesIO()
    Image.new("RGB", (23, 17), "teal").save(file, "PNG")
    chip = visitor.post("/chat/upload", files={"file": ("teal.png", file.getvalue(), "image/png")})
    found = re.search(r'name="image" value="([0-9a-f-]{36})"', chip.text)
    assert found, chip.text
    for stream in BOTH_WAYS:
        asked = ask(visitor, "demo-chat", "What is this?", family=family, image=found[1], alt="", **stream)
        assert "23 × 17" in words(ended(asked))


@each_family
def test_two_tools_are_called_at_once_and_their_results_used(
    site: Any, signed_in: Any, mode: str, family: str
) -> None:
    tools = {f"tool-{name}": [tool[name] for tool in (WEATHER, STOCK)] for name in WEATHER}
    visitor = signed_in(site(mode))
    for stream in BOTH_WAYS:
        asked = ask(
            visitor,
            "demo-chat",
            "What is the weather in Paris and the stock of item 42? Use both tools.",
            family=family,
            **{"tools-on": "on", "tools-auto": "on", "tool-choice": "auto"},
            **tools,
            **stream,
        )
        said = finished(asked)
        assert "get_weather" in said
        assert "get_stock" in said
        assert said.count("violet hail") >= 2, said
        assert said.count("4711") >= 2, said


@each_family
def test_an_answer_fits_its_schema(site: Any, signed_in: Any, mode: str, family: str) -> None:
    visitor = signed_in(site(mode))
    for stream in BOTH_WAYS:
        asked = ask(
            visitor,
            "demo-chat",
            "Name a lighthouse.",
            family=family,
            **{"schema-on": "on", "schema-name": "tower", "schema": json.dumps(SCHEMA)},
            **stream,
        )
        html = ended(asked)
        assert "Fits the schema" in words(html)
        assert "height_m" in words(html)


@each_family
def test_a_conversation_changes_its_family_in_the_middle(
    site: Any, signed_in: Any, mode: str, family: str
) -> None:
    """Every family takes up what every other one began, thinking, calls and results included."""
    visitor = signed_in(site(mode))
    tools = {f"tool-{name}": [WEATHER[name]] for name in WEATHER}
    common = {"tools-on": "on", "tools-auto": "on", "tool-choice": "auto", **tools}
    asked = ask(visitor, "demo-reasoning", "What is the weather in Paris?", family=family, **common)
    finished(asked)
    for other in [*FAMILIES, family]:
        html = ask_more(asked, "demo-reasoning", "And tomorrow?", other, **common)
        ends = re.findall(r'data-run="[^>]*', html) and re.findall(r'data-version="\d+/\d+([a-z]+)"', html)
        assert {end for end in ends if end != "w"} == {"finishedw"}, words(html)[-600:]


@pytest.mark.parametrize("family", [key for key, family in FAMILIES.items() if family.makes_images])
def test_a_picture_a_model_makes_is_kept_and_can_be_changed(
    site: Any, signed_in: Any, mode: str, family: str
) -> None:
    visitor = signed_in(site(mode))
    for stream in BOTH_WAYS:
        asked = ask(visitor, "demo-image", "Draw a lighthouse.", family=family, **stream)
        html = ended(asked)
        found = re.search(r'<img src="(/chat/attachment/[0-9a-f-]{36})"', html)
        assert found, words(html)
        picture = visitor.get(found[1])
        assert picture.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(picture.content)).width == 512
        again = ask_more(asked, "demo-image", "Now at night.", family)
        assert again.count("<img ") == 2, words(again)


@pytest.mark.parametrize("family", [key for key, family in FAMILIES.items() if family.takes_files])
def test_a_film_goes_along_by_its_address(site: Any, signed_in: Any, mode: str, family: str) -> None:
    film = "https://films.example.test/storm.mp4"
    asked = ask(signed_in(site(mode)), "demo-chat", "What is this?", family=family, image=film, alt="")
    html = ended(asked)
    assert "Finished" in words(html)
    assert "storm.mp4" in html


def test_an_answer_the_provider_paused_goes_on_to_the_letter(site: Any, signed_in: Any, mode: str) -> None:
    asked = ask(signed_in(site(mode)), "demo-pause", family="anthropic")
    half = ended(asked)
    assert "pause_turn" in half
    asked.act("go-on")
    whole = ended(asked)
    assert "Finished" in words(whole)
    assert len(words(whole)) > len(words(half))
