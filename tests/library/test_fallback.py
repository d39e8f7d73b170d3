"""The fallback of a prompt in its editor."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from playground.library import forms_body

BASE: dict[str, Any] = {"messages": [], "settings": {"model": "m-1"}}
KEPT = {"on": True, "model": "m-2", "ask": False}


def read(base: dict[str, Any], **fields: str) -> Any:
    data = QueryDict(mutable=True)
    data.update({"model": "m-1"} | fields)
    return forms_body.read("chat", data, base).body["settings"].get("fallback")


@pytest.mark.parametrize(
    ("before", "fields", "after"),
    [
        (None, {}, None),
        (None, {"fallback": "m-2", "fallback-how": "switch"}, KEPT),
        (KEPT, {"fallback": "m-2", "fallback-how": "switch"}, KEPT),
        (KEPT, {"fallback": "m-2", "fallback-how": "ask"}, KEPT | {"ask": True}),
        (KEPT, {"fallback": ""}, KEPT | {"on": False}),
        ({"on": True, "model": "m-2"}, {"fallback": "m-2"}, {"on": True, "model": "m-2"}),
    ],
)
def test_the_editor_keeps_the_fallback_as_it_is_typed(
    before: Any, fields: dict[str, str], after: Any
) -> None:
    settings = {"model": "m-1"} | ({"fallback": before} if before else {})
    assert read(BASE | {"settings": settings}, **fields) == after
