"""The list of models in both shapes, over several pages, with hostile rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.gateway import catalog
from playground.gateway.errors import GatewayError

SAMPLES = Path(__file__).parents[1] / "wire" / "models"


def page(*rows, **fields):
    return json.dumps({"data": list(rows)} | fields).encode()


def ids(models):
    return [model.model_id for model in models]


def test_the_documented_list_is_read():
    found = catalog.decode_page((SAMPLES / "openai-models.json").read_bytes())
    assert ids(found.models) == [
        "claude-sonnet-4-6",
        "gemini-3-flash-preview",
        "qwen-image-plus",
        "kling-v3-omni",
    ]
    assert found.models[3].name == "Kling: Video v3.0 Omni"
    assert found.models[0].created_at == datetime(2026, 2, 11, tzinfo=UTC)
    assert found.next_after is None


def test_the_classic_list_is_read():
    (model,) = catalog.decode_page((SAMPLES / "openai-models-classic-shape.json").read_bytes()).models
    assert (model.model_id, model.name) == ("text-embedding-v4", "text-embedding-v4")
    assert model.created_at == datetime(2025, 11, 2, tzinfo=UTC)
    assert model.raw["owned_by"] == "anyint"


def test_the_first_request_has_no_cursor_and_the_next_one_does():
    first, second = catalog.list_request("openai_chat"), catalog.list_request("openai_chat", "m-alpha")
    assert (first.method, first.path, first.auth) == ("GET", "/openai/v1/models", "bearer")
    assert "after_id" not in first.query
    assert second.query["after_id"] == "m-alpha"


def test_pages_are_followed_until_there_is_no_more():
    first = (SAMPLES / "openai-models-page1.json").read_bytes()
    asked = []

    def send(wire):
        asked.append(wire.query.get("after_id"))
        return first if len(asked) == 1 else page({"id": "m-beta"}, has_more=False)

    assert ids(catalog.list_models("openai_chat", send)) == ["m-alpha", "m-beta"]
    assert asked == [None, "m-alpha"]


def test_a_list_that_repeats_itself_for_ever_ends():
    requests = []

    def send(wire):
        requests.append(wire)
        return page({"id": "same"}, has_more=True, last_id="same")

    assert ids(catalog.list_models("openai_chat", send)) == ["same"]
    assert len(requests) == 2


def test_a_list_that_always_has_more_is_cut():
    pages = iter(range(10**9))

    def send(wire):
        number = next(pages)
        return page(*({"id": f"m-{number}-{row}"} for row in range(1000)), has_more=True, last_id=f"{number}")

    assert len(catalog.list_models("openai_chat", send)) == catalog.MOST_MODELS


def test_odd_rows_are_left_out_and_the_first_of_two_twins_stays():
    rows = [
        {"id": "good", "display_name": "<b>Good</b>\0\x07 one"},
        {"id": "good", "display_name": "Twin"},
        {"id": ""},
        {"id": 7},
        {"id": "x" * 300},
        {"id": "nul\0"},
        {"id": " padded "},
        {"id": "half\ud83d"},
        {},
        None,
        "text",
        {"id": "vendor/model:free", "display_name": None, "created": "yesterday", "created_at": 10**30},
    ]
    found = catalog.decode_page(page(*rows)).models
    assert ids(found) == ["good", "vendor/model:free"]
    assert found[0].name == "<b>Good</b>\u2400 one"
    assert found[1].created_at is None


def test_a_row_that_no_column_takes_keeps_its_id_alone():
    (model,) = catalog.decode_page(page({"id": "m", "note": "a\0b"})).models
    assert model.raw == {"display_name": ""}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"7", b"null", b'{"data":{}}', b'{"models":[]}', b"[" * 99_999]
)
def test_what_is_no_list_is_a_protocol_failure(body):
    with pytest.raises(GatewayError) as caught:
        catalog.decode_page(body)
    assert caught.value.kind == "protocol"


def test_an_error_inside_a_200_is_that_error():
    with pytest.raises(GatewayError) as caught:
        catalog.decode_page(b'{"error":{"code":"invalid_api_key","message":"No"}}')
    assert caught.value.kind == "auth"


values = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)
)
rows = (
    st.dictionaries(st.sampled_from(["id", "display_name", "created", "created_at", "extra"]), values)
    | values
)


@settings(max_examples=200, deadline=None)
@given(st.lists(rows, max_size=5), values, values)
def test_any_rows_give_a_page(found, has_more, last_id):
    result = catalog.decode_page(page(*found, has_more=has_more, last_id=last_id))
    assert all(model.model_id and model.name for model in result.models)
    json.dumps([dict(model.raw) for model in result.models], allow_nan=False).encode()


@pytest.mark.parametrize(
    "row",
    [
        {"created_at": "0001-01-01T00:00:00+14:00"},
        {"created_at": "9999-12-31T23:59:59-14:00"},
        {"created": -62135596800},
        {"created_at": 10**400},
    ],
)
def test_a_moment_that_no_zone_can_show_is_not_told(row):
    (found,) = catalog.decode_page(page({"id": "odd"} | row)).models
    assert found.created_at is None


def test_a_list_that_brings_one_model_a_page_is_cut():
    asked = []

    def send(request):
        asked.append(request)
        return page({"id": f"model-{len(asked)}"}, has_more=True)

    assert len(catalog.list_models("openai_chat", send)) == catalog.MOST_PAGES
