"""Every form as it is offered on the demo, filled in only where it must be: what it makes comes to an end."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

from playground.gateway.media.operation import FileField, Operation
from playground.gateway.media.registry import OPERATIONS
from tests._servers.processes import until
from tests.media.desk import Desk, open_desk
from tests.media.upstream import png

TABS = {"speech": "audio", "text": "audio"}
ON_RESULT = [operation for operation in OPERATIONS.values() if operation.takes_result]
ON_NOTHING = [operation for operation in OPERATIONS.values() if not operation.takes_result]
# What the demo never fetches, for routes that take an address and nothing else.
ADDRESS = {"audio": "https://example.com/song.mp3", "image": "https://example.com/boat.png"}


@dataclass
class Form(HTMLParser):
    """The values of the studio's form, and the names of what has to be filled in."""

    text: str
    values: dict[str, str] = field(default_factory=dict)
    needed: list[str] = field(default_factory=list)
    model_is_asked_for: bool = False
    _inside: bool = False
    _name: str = ""
    _first: bool = False

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if found.get("id") == "studio-form":
            self._inside = True
        if not self._inside:
            return
        if found.get("id") == "model-field" and "load" in found.get("hx-trigger", ""):
            self.model_is_asked_for = True
        name = found.get("name", "")
        if tag == "input" and name and found.get("type") != "file":
            if found.get("type") != "checkbox" or "checked" in found:
                self._put(name, found.get("value", ""), found)
        elif tag == "textarea":
            self._name = name
            self._put(name, "", found)
        elif tag == "select":
            self._name, self._first = name, True
        elif tag == "option" and self._name and (self._first or "selected" in found):
            self._first = False
            self.values[self._name] = found.get("value", "")

    def _put(self, name: str, value: str, found: dict[str, str]) -> None:
        self.values[name] = value
        if "required" in found:
            self.needed.append(name)

    def handle_data(self, data: str) -> None:
        if self._inside and self._name in self.values and self.lasttag == "textarea":
            self.values[self._name] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self._name = ""
        if tag == "form":
            self._inside = False


def form_of(visitor: httpx.Client, operation: Operation, query: str = "") -> dict[str, str]:
    """The form, its empty required fields filled with an example."""
    tab = TABS.get(operation.medium, operation.medium)
    form = Form(visitor.get(f"/studio/{tab}/?operation={operation.key}{query}").text)
    values = form.values
    if form.model_is_asked_for:
        name = f"p-{operation.model_field}"
        asked = {"operation": operation.key, "key": values["key"], name: values[name]}
        answer = visitor.post("/studio/model", data=asked)
        assert answer.status_code == 200, answer.text
        values |= {name: Form(f'<form id="studio-form">{answer.text}').values[name]}
    for name in form.needed:
        values[name] = values.get(name) or "a small boat"
    return values


def files_of(operation: Operation, values: dict[str, str]) -> dict[str, Any]:
    needed = [row for row in operation.files if row.required]
    values |= {f"url-{row.name}": ADDRESS[row.kind] for row in needed if row.forms == ("url",)}
    return {f"file-{row.name}": _example(row) for row in needed if row.forms != ("url",)}


def _example(row: FileField) -> tuple[str, bytes, str]:
    if row.kind == "image":
        return "boat.png", png(400, 400), "image/png"
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * 8000)
    return "sound.wav", file.getvalue(), "audio/wav"


def make(visitor: httpx.Client, operation: Operation, query: str = "") -> str:
    values = form_of(visitor, operation, query)
    files = files_of(operation, values)
    answer = visitor.post("/studio/make", data=values, files=files)
    if answer.status_code == 422:
        # Some fields are needed in some modes only: what the form says is missing is filled in then.
        values |= dict.fromkeys(_missing(answer.text), "a slow song about rain")
        answer = visitor.post("/studio/make", data=values, files=files)
    assert "/studio/task/" in str(answer.url), (
        f"{operation.key}: {answer.status_code} {_missing(answer.text)}"
    )
    return str(answer.url.path).rstrip("/").rpartition("/")[2]


def _missing(page: str) -> list[str]:
    """The names of the fields at which something is wrong."""
    return ["p-" + piece.partition('"')[0] for piece in page.split('has-error" data-param="')[1:]]


def ended(desk: Desk) -> dict[str, dict[str, Any]]:
    def done() -> bool:
        desk.ask("hurry")
        return all(row["status"] in ("succeeded", "failed", "expired") for row in desk.rows())

    until(done)
    return {row["id"]: row for row in desk.rows()}


def test_every_form_that_the_demo_offers_makes_something(site: Any, signed_in: Any) -> None:
    place = site("embedded", worker=True)
    visitor = signed_in(place)
    with open_desk(place.env) as desk:
        tasks = {operation.key: make(visitor, operation) for operation in ON_NOTHING}
        rows = ended(desk)
        failed = {
            key: rows[task]["error"] for key, task in tasks.items() if rows[task]["status"] != "succeeded"
        }
        assert failed == {}
        song = tasks["suno.generate"]
        page = visitor.get(f"/studio/task/{song}/").text
        output = page.partition("&amp;output=")[2].partition('"')[0]
        later = {
            operation.key: make(visitor, operation, f"&after={song}&output={output}")
            for operation in ON_RESULT
        }
        rows = ended(desk)
        failed = {
            key: rows[task]["error"] for key, task in later.items() if rows[task]["status"] != "succeeded"
        }
        assert failed == {}
    assert len(tasks) + len(later) == len(OPERATIONS)
