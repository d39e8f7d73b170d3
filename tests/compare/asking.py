"""What the pages of Compare send, and what stands on them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey, User
from playground.chat.models import Conversation, Run, Turn
from tests._servers.goods import finish

NEW = reverse("compare:new")
HTMX = {"HX-Request": "true"}
SignIn = Callable[[User], Client]
Compared = Callable[..., Conversation]
_ANSWER = re.compile(r'<article class="turn answer lane" id="turn-([0-9a-f-]+)"[^>]*data-lane="(\d)"')
_ASKED = re.compile(r'<article class="turn asked" id="turn-([0-9a-f-]+)"')
_ERROR = re.compile(r'<p class="error" id="lane-(\w+)-(\d)-error">([^<]*)</p>')


def url(name: str, talk: Conversation | uuid.UUID) -> str:
    return reverse(f"compare:{name}", args=[talk.pk if isinstance(talk, Conversation) else talk])


def form(key: GatewayKey, *models: str, text: str = "Why is the sky blue?", **more: Any) -> dict[str, Any]:
    """What the form sends; `more` by the name of its field without "lane-": a list has a value a model."""
    rows = {"model": list(models), "family": ["openai_chat"] * len(models)}
    rows |= {name: [""] * len(models) for name in ("temperature", "max_tokens")}
    rows |= {name: more.pop(name) for name in list(rows) if name in more}
    sent = {"turn_id": str(uuid.uuid4()), "text": text, "key": str(key.pk), "system": ""} | more
    return sent | {f"lane-{name}": values for name, values in rows.items()}


def begin(client: Client, data: dict[str, Any]) -> Conversation:
    """The comparison that the form made."""
    pk = uuid.uuid4()
    response = client.post(url("ask", pk), data)
    assert (response.status_code, response.headers.get("Location")) == (302, url("show", pk))
    return Conversation.objects.get(pk=pk)


def refused(client: Client, data: dict[str, Any], pk: uuid.UUID | None = None) -> str:
    """The page that comes back from a form that made nothing."""
    before = everything()
    response = client.post(url("ask", pk or uuid.uuid4()), data)
    assert response.status_code == 422
    assert everything() == before
    return response.content.decode()


def everything() -> tuple[int, int, int]:
    return Conversation.objects.count(), Turn.objects.count(), Run.objects.count()


def follow_up(client: Client, talk: Conversation, text: str = "And at night?", **more: Any) -> Any:
    """Without `turn_id` one that nobody used; `headers` as the client takes them."""
    headers = more.pop("headers", None)
    data = {"turn_id": str(uuid.uuid4()), "text": text} | more
    return client.post(url("ask", talk), data, headers=headers)


def runs_of(talk: Conversation) -> dict[str, Run]:
    """The newest run of each model."""
    rows = Run.objects.filter(conversation=talk).order_by("created_at")
    return {run.model: run for run in rows.select_related("asked", "answer")}


def answer_of(talk: Conversation, model: str) -> uuid.UUID:
    """The newest answer of a model."""
    pk = runs_of(talk)[model].answer_id
    assert pk is not None
    return pk


def settle(talk: Conversation, *, status: str = "finished", **facts: Any) -> None:
    """End all that is being written here; every answer names its model."""
    for run in Run.objects.filter(conversation=talk, status__in=Run.LIVE):
        finish(run, status, text=f"{run.model} says so.", **facts)


def took(run: Run, ms: int, **facts: Any) -> None:
    """Let a finished run have taken so long, and have told this."""
    began = timezone.now()
    ended = began + timedelta(milliseconds=ms)
    Run.objects.filter(pk=run.pk).update(started_at=began, ended_at=ended, **facts)


def lanes_on(html: str) -> list[tuple[int, str]]:
    """The answers of a page as they stand: the number of the lane, and the turn."""
    return [(int(lane), turn) for turn, lane in _ANSWER.findall(html)]


def questions_on(html: str) -> list[str]:
    return _ASKED.findall(html)


def errors_on(html: str) -> dict[tuple[str, int], str]:
    """What is said at the fields of the models, by the setting and the number of the model."""
    return {(name, int(number)): said for name, number, said in _ERROR.findall(html)}


def typed_on(html: str) -> dict[str, list[str]]:
    """The values of the form's fields, by their names."""
    reader = _Fields()
    reader.feed(html)
    return reader.values


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._within = ""
        self._named = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._within = about.get("id", "")
        if self._within != "compare-form":
            return
        if tag in ("select", "textarea"):
            self._named = about["name"]
        if tag == "textarea":
            self._add("")
        elif tag == "input":
            self.values.setdefault(about["name"], []).append(about.get("value", ""))
        elif tag == "option" and "selected" in about:
            self._add(about["value"])

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            self._named = ""
        elif tag == "form":
            self._within = ""

    def handle_data(self, data: str) -> None:
        # Only a textarea holds its value as text.
        if self._named in ("text", "system"):
            self.values[self._named][-1] += data

    def _add(self, value: str) -> None:
        self.values.setdefault(self._named, []).append(value)
