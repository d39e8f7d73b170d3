"""The whole site as real processes, in either mode, each on a fresh copy of a prepared database."""

from __future__ import annotations

import re
import secrets
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from playground import processes
from playground.secrets import new_vault_key
from playground.supervisor import answers
from tests._servers import cast
from tests._servers.migrated import Settle
from tests._servers.ports import own_port
from tests._servers.processes import PATIENCE_S, PYTHON, Process, clean_env, run, until
from tests._servers.stores import Postgres, running_redis

MODES = [
    "embedded",
    pytest.param("production", marks=[pytest.mark.postgres, pytest.mark.redis]),
]


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """A test that asks for it runs once in each mode."""
    return str(request.param)


@dataclass(slots=True)
class Site:
    """A running site. Processes are known as `web`, `web2`, …, `worker`."""

    mode: str
    url: str
    folder: Path
    env: dict[str, str]
    commands: dict[str, list[str]]
    running: dict[str, Process] = field(default_factory=dict)

    @property
    def urls(self) -> list[str]:
        """One address for each web process."""
        ports = [argv[argv.index("--port") + 1] for argv in self.commands.values() if "--port" in argv]
        return [f"http://localhost:{port}" for port in ports]

    def log(self, name: str = "web") -> Path:
        return self.folder / f"{name}.log"

    def start(self, name: str = "web") -> Process:
        """Start a process of the site and wait until it does its work."""
        argv = self.commands[name]
        self.running[name] = process = Process(argv, env=self.env, log=self.log(name))
        if "--port" in argv:
            await_port(process, int(argv[argv.index("--port") + 1]))
        return process

    def kill(self, name: str = "web") -> None:
        """SIGKILL: no chance to say good-bye."""
        self.running[name].kill_group()
        self.running.pop(name).end()

    def term(self, name: str = "web") -> Process:
        """SIGTERM; the process comes back so that its end can be awaited."""
        self.running[name].send(signal.SIGTERM)
        return self.running[name]

    def restart(self, name: str = "web") -> Process:
        if name in self.running:
            self.kill(name)
        return self.start(name)

    def manage(self, *arguments: str) -> str:
        """Run a management command on the site's own database and give its output."""
        return run([PYTHON, "manage.py", *arguments], env=self.env)

    def login_link(self, email: str = cast.address(cast.OWNER)) -> str:
        found = re.search(r"https?://\S+", self.manage("link", "--email", email))
        assert found, "manage.py link printed no address"
        return found.group()

    def end(self) -> None:
        for process in self.running.values():
            process.kill_group()
            process.end()
        self.running.clear()


def await_port(process: Process, port: int) -> None:
    until(lambda: process.popen.poll() is not None or answers(port))
    assert process.popen.poll() is None, f"{process.argv} ended:\n{process.all_output()}"


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What all sites of a mode share: secrets, collected static files, and a database to copy."""

    env: dict[str, str]
    database: Path | None


@pytest.fixture(scope="session")
def blueprint(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    settled: Settle,
    demo: str,
) -> Callable[[str], Blueprint]:
    """Makes, once for each mode, a migrated database with the whole cast in it."""
    made: dict[str, Blueprint] = {}
    common = clean_env(
        DJANGO_SETTINGS_MODULE="playground.settings",
        SECRET_KEY=secrets.token_urlsafe(50),
        VAULT_KEYS=new_vault_key(),
        GATEWAY_URLS=demo,
        STATIC_ROOT=str(tmp_path_factory.mktemp("static")),
        DRAIN_S="2",
        MALLOC_ARENA_MAX="2",
        UV_THREADPOOL_SIZE="2",
    )

    def make(mode: str) -> Blueprint:
        if mode not in made:
            folder = tmp_path_factory.mktemp(f"blueprint-{mode}")
            env = common | {"PLAYGROUND_MODE": mode, "PLAYGROUND_DATA": str(folder)}
            if mode == "production":
                server: Postgres = request.getfixturevalue("postgres")
                template: str = request.getfixturevalue("migrated_name")
                server.execute(f"CREATE DATABASE blueprint TEMPLATE {template}")
                env |= {"DATABASE_URL": server.url("blueprint"), "REDIS_URL": "redis://127.0.0.1:1/0"}
            else:
                env |= settled(folder)
            if not made:
                run([PYTHON, "manage.py", "collectstatic", "--noinput", "-v0"], env=env)
            run([PYTHON, "-m", "tests._servers.cast", demo], env=env)
            database = folder / "playground.sqlite3" if mode == "embedded" else None
            made[mode] = Blueprint(common, database)
        return made[mode]

    return make


@pytest.fixture
def site(
    request: pytest.FixtureRequest, tmp_path: Path, blueprint: Callable[[str], Blueprint]
) -> Iterator[Callable[..., Site]]:
    """Starts sites: `site(mode, webs=1, worker=False, **environment)`; all are ended after the test."""
    with ExitStack() as stack:

        def start(mode: str, *, webs: int = 1, worker: bool = False, **environment: str) -> Site:
            base = blueprint(mode)
            folder = tmp_path / f"site-{secrets.token_hex(4)}"
            folder.mkdir(mode=0o700)
            ports = [own_port() for _ in range(max(webs, 1))]
            env = base.env | {"PLAYGROUND_MODE": mode, "PLAYGROUND_DATA": str(folder), "PORT": str(ports[0])}
            env |= _stores(mode, request, base, folder, stack) | environment
            names = ["web", *(f"web{number}" for number in range(2, webs + 1))]
            commands = {
                name: processes.web(port, drain_s=float(env["DRAIN_S"]))
                for name, port in zip(names[:webs], ports, strict=False)
            }
            if worker and mode == "embedded":
                commands["worker"] = processes.embedded_worker()
            elif worker:
                commands["worker"] = processes.worker()
                commands["beat"] = processes.beat(str(folder / "schedule"))
            made = Site(mode, f"http://localhost:{ports[0]}", folder, env, commands)
            stack.callback(made.end)
            for name in commands:
                made.start(name)
            return made

        yield start


def _stores(
    mode: str, request: pytest.FixtureRequest, base: Blueprint, folder: Path, stack: ExitStack
) -> dict[str, str]:
    """A database of the site's own, and in production a Redis of its own (channels are not per database)."""
    if base.database:
        shutil.copy(base.database, folder / base.database.name)
        return {}
    server: Postgres = request.getfixturevalue("postgres")
    name = f"site_{secrets.token_hex(4)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE blueprint")
    stack.callback(server.execute, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    url, _ = stack.enter_context(running_redis())
    return {"DATABASE_URL": server.url(name), "REDIS_URL": url}


class Visitor(httpx.Client):
    """A browser's manners: cookies, redirects, and the CSRF token with every form."""

    def __init__(self, url: str, **options: Any) -> None:
        hooks = {"request": [self._add_token]}
        super().__init__(
            base_url=url, follow_redirects=True, timeout=PATIENCE_S, event_hooks=hooks, **options
        )

    def _add_token(self, request: httpx.Request) -> None:
        token = next((cookie.value for cookie in self.cookies.jar if "csrf" in cookie.name), None)
        if token and request.method not in {"GET", "HEAD"}:
            request.headers["x-csrftoken"] = token
            request.headers["origin"] = str(self.base_url).rstrip("/")


@pytest.fixture
def signed_in() -> Iterator[Callable[..., Visitor]]:
    """`signed_in(site, email=…)`: a client signed in through a one-time link; the owner without an e-mail."""
    with ExitStack() as stack:

        def enter(site: Site, email: str = cast.address(cast.OWNER), *, url: str = "") -> Visitor:
            visitor = stack.enter_context(Visitor(url or site.url))
            door = httpx.URL(site.login_link(email)).raw_path.decode()
            # The page behind the link shows a form, so that a mail scanner cannot use it up.
            visitor.get(door).raise_for_status()
            visitor.post(door).raise_for_status()
            return visitor

        yield enter
