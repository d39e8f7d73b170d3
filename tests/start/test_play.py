"""`manage.py play`: a person's first minute with the playground, with all its processes real."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from playground.management.commands.play import plan
from tests._servers.migrated import Settle
from tests._servers.ports import own_port
from tests._servers.processes import PATIENCE_S, PYTHON, Process, clean_env, until
from tests._servers.site import Visitor
from tests.chat.talk import ask

KEY = "sk-of-the-environment-0123456789"
Start = Callable[..., Process]


@pytest.fixture
def ports() -> dict[str, str]:
    return {"PORT": str(own_port()), "DEMO_PORT": str(own_port())}


@pytest.fixture
def play(tmp_path: Path, ports: dict[str, str], settled: Settle) -> Iterator[Start]:
    """Starts `manage.py play` on a data folder of the test's own; `first` without a database there."""
    started: list[Process] = []

    def start(*, first: bool = False, **env: str) -> Process:
        data = tmp_path / "data"
        if not first and not data.exists():
            data.mkdir(mode=0o700)
            settled(data)
        values = {"PLAYGROUND_DATA": str(tmp_path / "data"), "ANYINT_API_KEY": KEY} | ports | env
        process = Process([PYTHON, "manage.py", "play"], env=clean_env(**values))
        started.append(process)
        return process

    yield start
    for process in started:
        # The quick way out; the children follow, and the wait for their output is a wait for their end.
        process.end(signal.SIGKILL)


def link_of(process: Process) -> str:
    link = process.wait_for(r"Sign in with this link, it works once: (\S+)").group(1)
    process.wait_for("^Ctrl-C ends it")
    return link


@contextmanager
def entered(process: Process) -> Iterator[Visitor]:
    link = httpx.URL(link_of(process))
    with Visitor(f"http://localhost:{link.port}") as visitor:
        visitor.get(link.path).raise_for_status()
        visitor.post(link.path).raise_for_status()
        yield visitor


def family(pid: int) -> dict[int, str]:
    """The process and all that descend from it: id -> command line."""
    rows = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    parents: dict[int, int] = {}
    commands: dict[int, str] = {}
    for line in rows.stdout.splitlines():
        child, parent, args = line.split(None, 2)
        parents[int(child)], commands[int(child)] = int(parent), args

    def belongs(child: int) -> bool:
        return child == pid or (child in parents and belongs(parents[child]))

    # Numbers start anew now and then: a child's may be lower than its parent's.
    return {child: args for child, args in commands.items() if belongs(child)}


def gone(pids: dict[int, str]) -> bool:
    rows = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    live = {int(row.split()[0]) for row in rows.splitlines() if not row.split()[1].startswith("Z")}
    return not live & pids.keys()


def one_line(process: Process) -> str:
    """The only line of a command that failed."""
    assert process.wait() == 1
    lines = process.all_output().strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_the_link_signs_the_owner_in_and_works_once(play: Start) -> None:
    process = play(first=True)
    with entered(process) as visitor:
        assert visitor.get("/settings/").url.path.startswith("/settings/")
    assert httpx.get(link_of(process), timeout=PATIENCE_S).status_code == 410


def test_the_printed_address_is_localhost(play: Start, ports: dict[str, str]) -> None:
    line = play().wait_for("is running at").string
    assert line == f"AnyInt Playground is running at http://localhost:{ports['PORT']}\n"


def test_a_second_run_keeps_sessions_and_secrets_readable_by_their_owner_alone(
    play: Start, tmp_path: Path
) -> None:
    first = play()
    kept = [tmp_path / "data" / name for name in ("secret_key", "vault_keys")]
    with entered(first) as visitor:
        before = [path.read_bytes() for path in kept]
        first.end(signal.SIGINT)
        link_of(play())
        assert visitor.get("/settings/").url.path.startswith("/settings/")
    assert [path.read_bytes() for path in kept] == before
    assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o600, 0o600]


@pytest.mark.parametrize("name", ["PORT", "DEMO_PORT"])
@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=pytest.mark.ipv6)])
def test_a_taken_port_is_one_line_that_says_what_to_do(play: Start, name: str, host: str) -> None:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as other:
        port = other.getsockname()[1]
        line = one_line(play(**{name: str(port)}))
    assert line == f"CommandError: Port {port} is taken; try {name}={port + 10} make run"


def test_a_data_folder_that_is_none_is_one_line(play: Start, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file stands here")
    line = one_line(play())
    assert str(tmp_path / "data") in line
    assert "Not a directory" in line


def test_a_second_playground_on_the_same_data_is_one_line(play: Start, tmp_path: Path) -> None:
    first = play()
    link_of(first)
    line = one_line(play(PORT=str(own_port()), DEMO_PORT=str(own_port())))
    assert "already runs on" in line
    assert str(tmp_path / "data") in line


def test_no_child_is_waited_for_longer_than_a_ctrl_c_may_take(settings: Any) -> None:
    assert plan("a link", with_demo=True).end_within_s < 5


def test_ctrl_c_ends_everything_open_streams_included(play: Start) -> None:
    process = play()
    with entered(process) as visitor, visitor.stream("GET", "/chat/live", timeout=None) as stream:
        chunks = stream.iter_raw()
        assert next(chunks)
        pids = family(process.pid)
        process.send(signal.SIGINT)
        for _ in chunks:
            continue
        assert process.wait() == 0
    assert gone(pids)
    assert "Traceback" not in process.all_output()


def test_ctrl_c_marks_an_answer_of_the_demo_that_does_not_finish(play: Start) -> None:
    process = play(ANYINT_API_KEY="")
    with entered(process) as visitor:
        asked = ask(visitor, "demo-stall-after-30")
        with asked.watch() as read:
            read(lambda page: asked.run in page.views and page.shown(asked.run) != "")
        process.end(signal.SIGINT)
        link_of(play(ANYINT_API_KEY=""))
        # A process that was killed before it could mark it leaves that to the sweep.
        until(lambda: ">Interrupted<" in asked.html())


def test_ctrl_c_while_it_starts_is_no_traceback(play: Start, tmp_path: Path) -> None:
    process = play(first=True)
    until((tmp_path / "data" / "lock").exists)
    process.send(signal.SIGINT)
    process.wait()
    assert "Traceback" not in process.all_output()


def test_a_killed_web_process_is_back_without_a_hand(play: Start, ports: dict[str, str]) -> None:
    process = play()
    link_of(process)
    web = next(pid for pid, args in family(process.pid).items() if "uvicorn" in args)
    os.kill(web, signal.SIGKILL)
    process.wait_for(r"^web ended \(SIGKILL\)")
    until(lambda: _answers(f"http://localhost:{ports['PORT']}/livez"))


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=PATIENCE_S).status_code == 200
    except httpx.TransportError:
        return False


def test_a_killed_supervisor_leaves_nothing_behind(play: Start) -> None:
    process = play()
    link_of(process)
    pids = family(process.pid)
    assert len(pids) > 3
    process.send(signal.SIGKILL)
    process.wait()
    until(lambda: gone(pids))


def test_no_command_line_holds_a_secret(play: Start, tmp_path: Path) -> None:
    process = play()
    link = link_of(process)
    until(lambda: "embedded_worker" in str(family(process.pid)))
    shown = "\n".join(family(process.pid).values())
    secrets = [(tmp_path / "data" / name).read_text().strip() for name in ("secret_key", "vault_keys")]
    tokens = [KEY, "demo-key", *secrets, link.rstrip("/").rpartition("/")[2]]
    assert [token for token in tokens if token in shown] == []


def test_the_worker_takes_part(play: Start, tmp_path: Path) -> None:
    """The scheduler sends a tick every five seconds and the worker takes it out of the broker's folder."""
    # Idle processes end at once; one that is slow to do so must not be killed, which is a line more.
    process = play(DRAIN_S="60")
    link_of(process)
    until(lambda: "embedded_worker" in str(family(process.pid)))
    inbox = tmp_path / "data" / "broker" / "in"
    first = inbox.stat().st_mtime_ns
    until(lambda: inbox.stat().st_mtime_ns > first and not list(inbox.iterdir()))
    assert not re.search("ERROR|Traceback", process.output)
    process.end(signal.SIGINT)
    assert process.all_output().splitlines()[-2:] == ["Ctrl-C ends it.", "Ended."]
