"""The recorded requests and answers of the media routes, and what a request of ours says."""

from __future__ import annotations

import json
from pathlib import Path

from playground.gateway.media.operation import FileValue, Inputs
from playground.gateway.media.registry import OPERATIONS

HERE = Path(__file__).parent
ONE = FileValue(url="https://assets.example.test/ref/one.png", media_type="image/png")
TWO = FileValue(url="https://assets.example.test/ref/two.png", media_type="image/png")
INLINE = FileValue(data_b64="iVBORw0KGgo=", media_type="image/png", name="one.png")


def body_of(name):
    return (HERE / name).read_bytes()


def sample(name):
    return json.loads(body_of(name))


def create(key, values, files=None, **rest):
    return OPERATIONS[key].create(Inputs(values, files or {}, **rest))


def sent(wire):
    assert wire.headers["content-type"] == "application/json"
    return json.loads(wire.body)


def created(key, name, content_type="application/json"):
    return OPERATIONS[key].read_created(body_of(name), content_type)


def read(key, answer):
    """What a query's answer means: a recorded one by its name, or one made up."""
    body = body_of(answer) if isinstance(answer, str) else json.dumps(answer).encode()
    return OPERATIONS[key].read_state(body)
