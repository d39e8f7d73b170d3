"""One site a mode for the tests that break nothing of it, with people signed in and keys added by form."""

from __future__ import annotations

import re
import secrets
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from playground import processes
from tests._servers import cast
from tests._servers.ports import own_port
from tests._servers.processes import PYTHON, run, until
from tests._servers.site import Blueprint, Site, Visitor
from tests._servers.stores import Postgres, running_redis
from tests.chat.talk import Asked, key_named
from tests.faults.answers import ANSWERS
from tests.faults.upstream import Upstream, running_upstream

HTMX = {"HX-Request": "true"}
TEXT = "Tell me about lighthouses."


@dataclass(slots=True)
class Sent:
    """A message as it was answered; `conversation` and `turn` are the ids the page had made up."""

    response: httpx.Response
    visitor: Visitor
    conversation: str
    turn: str

    def asked(self) -> Asked:
        assert self.response.status_code == 200, self.response.text
        turn, number = re.findall(
            r'data-turn="([0-9a-f-]{36})"[^>]*data-run="([0-9a-f-]{36})"', self.response.text
        )[-1]
        return Asked(self.visitor, self.conversation, number, turn)

    def ended(self) -> str:
        """The answer's HTML once nothing more will come."""
        asked = self.asked()
        until(lambda: "data-live" not in asked.html())
        return asked.html()


@dataclass(slots=True)
class Standing:
    """A running site and who is signed in to it."""

    place: Site
    upstream: Upstream
    demo: str
    stack: ExitStack
    people: dict[str, Visitor] = field(default_factory=dict)

    def visitor(self, name: str = cast.OWNER) -> Visitor:
        """Signed in with address and password."""
        if name not in self.people:
            self.people[name] = visitor = self.stack.enter_context(Visitor(self.place.url))
            visitor.get("/account/login/").raise_for_status()
            fields = {"login": cast.address(name), "password": cast.PASSWORD}
            visitor.post("/account/login/", data=fields).raise_for_status()
            assert visitor.get("/chat/").url.path == "/chat/"
        return self.people[name]

    def key(self, secret: str, *, name: str = cast.OWNER, url: str = "") -> str:
        """Adds a key through the settings page; gives its id."""
        visitor, label = self.visitor(name), f"Key {uuid.uuid4().hex[:12]}"
        fields = {"label": label, "base_url": url or self.upstream.url, "secret": secret}
        visitor.post("/settings/keys/", data=fields)
        return key_named(visitor, label)

    def demo_key(self, name: str = cast.OWNER) -> str:
        return key_named(self.visitor(name), "Demo")

    def send(
        self, model: str, text: str = TEXT, *, name: str = cast.OWNER, conversation: str = "", **fields: Any
    ) -> Sent:
        """Sends a message as the page does, whatever comes of it; `fields` replace what the page says."""
        visitor = self.visitor(name)
        talk, turn = conversation or str(uuid.uuid4()), str(uuid.uuid4())
        data = {"turn_id": turn, "text": text, "model": model, "family": "openai_chat", "stream": "on"}
        data |= fields
        if "key" not in data:
            data["key"] = self.demo_key(name)
        sent = {field: value for field, value in data.items() if value is not None}
        response = visitor.post(f"/chat/{talk}/ask", data=sent, headers=HTMX)
        return Sent(response, visitor, talk, turn)

    def works(self) -> None:
        """The site still answers, and the next message gets its answer."""
        assert answered(self.send("demo-chat").ended())

    def manage(self, code: str, **environment: str) -> str:
        """Runs Python inside the site's own settings, or with some of them changed."""
        return run([PYTHON, "manage.py", "shell", "-v0", "-c", code], env=self.place.env | environment)

    def logs(self) -> str:
        return "".join(path.read_text() for path in self.place.folder.glob("*.log"))


def words(html: str) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def answered(html: str) -> bool:
    """Whether an answer came to its end; only then its figures stand below it."""
    return "First token" in words(html)


@pytest.fixture(scope="session")
def standing(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    blueprint: Callable[[str], Blueprint],
    demo: str,
) -> Iterator[Callable[[str], Standing]]:
    """`standing(mode)`: the one site of that mode, started when it is first asked for."""
    made: dict[str, Standing] = {}
    with ExitStack() as stack:
        upstream = stack.enter_context(running_upstream(ANSWERS))

        def get(mode: str) -> Standing:
            if mode not in made:
                place = _start(
                    mode, request, tmp_path_factory, blueprint(mode), f"{demo},{upstream.url}", stack
                )
                made[mode] = Standing(place, upstream, demo, stack)
            return made[mode]

        yield get


def _start(
    mode: str,
    request: pytest.FixtureRequest,
    folders: pytest.TempPathFactory,
    base: Blueprint,
    gateways: str,
    stack: ExitStack,
) -> Site:
    folder, port = folders.mktemp(f"standing-{mode}", numbered=True), own_port()
    env = base.env | {"PLAYGROUND_MODE": mode, "PLAYGROUND_DATA": str(folder), "PORT": str(port)}
    if base.database:
        shutil.copy(base.database, folder / base.database.name)
    else:
        server: Postgres = request.getfixturevalue("postgres")
        # Nobody drops it: the server is thrown away before this fixture ends.
        name = f"standing_{secrets.token_hex(4)}"
        server.execute(f"CREATE DATABASE {name} TEMPLATE blueprint")
        url, _ = stack.enter_context(running_redis())
        env |= {"DATABASE_URL": server.url(name), "REDIS_URL": url}
    env |= {"GATEWAY_URLS": gateways, "GATEWAY_READ_TIMEOUT_S": "3", "LOG_LEVEL": "DEBUG"}
    env |= {"HEARTBEAT_S": "0.5"}
    worker = processes.embedded_worker() if mode == "embedded" else processes.worker()
    commands = {"web": processes.web(port, drain_s=2), "worker": worker}
    place = Site(mode, f"http://localhost:{port}", folder, env, commands)
    stack.callback(place.end)
    for name in commands:
        place.start(name)
    return place


@pytest.fixture
def there(standing: Callable[[str], Standing], mode: str) -> Standing:
    """The standing site of the test's mode."""
    return standing(mode)
