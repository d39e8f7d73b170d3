"""The supervisor, watching small real processes."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from playground.supervisor import Child, Plan, Running
from tests._servers.ports import own_port
from tests._servers.processes import PATIENCE_S, PYTHON, Process, clean_env, until

# One write a line (`print` makes several), or two children would mix theirs.
WEB = r"""
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *parts): pass
sys.stdout.write(f"web is {os.getpid()}\n")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
DEAF = r"""
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdout.write(f"{sys.argv[1]} is {os.getpid()}\n")
while True: time.sleep(1000)
"""
RUN = """
import sys
from playground.supervisor import Plan, Supervisor
sys.exit(Supervisor(Plan.load(sys.argv[1].encode())).run())
"""


def child(name: str, code: str, *arguments: str, **fields: bool) -> Child:
    return Child(name, [PYTHON, "-c", code, *arguments], **fields)


@pytest.fixture
def supervise() -> Iterator[Callable[..., Process]]:
    """Runs a supervisor over the given children, and a web process on a free port."""
    started: list[Process] = []

    def start(*children: Child, web: str = WEB, end_within_s: float = 1) -> Process:
        port = own_port()
        plan = Plan([child("web", web, str(port)), *children], port, ["ready now"], end_within_s)
        process = Process([PYTHON, "-c", RUN, plan.dump().decode()], env=clean_env())
        started.append(process)
        return process

    yield start
    for process in started:
        process.end(signal.SIGKILL)


def pid_of(process: Process, name: str, *, count: int = 1) -> int:
    return int(process.wait_for(rf"^{name} is (\d+)", count=count).group(1))


def alive(pid: int) -> bool:
    try:
        # A zombie answers signals too; what is left of it runs no more.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_greets_once_the_site_answers_and_then_starts_the_late(supervise: Callable[..., Process]) -> None:
    process = supervise(child("late", DEAF, "late", late=True))
    process.wait_for("^late is")
    lines = [re.sub(r"\d+", "N", line.strip()) for line in process.lines]
    assert lines == ["web is N", "ready now", "late is N"]


def test_a_child_that_is_killed_is_started_again(supervise: Callable[..., Process]) -> None:
    process = supervise()
    first = pid_of(process, "web")
    process.wait_for("ready now")
    os.kill(first, signal.SIGKILL)
    assert pid_of(process, "web", count=2) != first
    assert process.wait_for("^web ended").string == "web ended (SIGKILL); it is started again in 0.5 s.\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_ends_all_even_a_child_that_does_not_listen(
    supervise: Callable[..., Process], number: int
) -> None:
    process = supervise(child("deaf", DEAF, "deaf"))
    pids = [pid_of(process, "web"), pid_of(process, "deaf")]
    process.send(number)
    assert process.wait() == 0
    assert not any(alive(pid) for pid in pids)
    assert "deaf did not end by itself and was killed." in process.all_output()


def test_a_second_signal_does_not_wait_any_longer(supervise: Callable[..., Process]) -> None:
    process = supervise(child("deaf", DEAF, "deaf"), end_within_s=3600)
    pid = pid_of(process, "deaf")
    web = pid_of(process, "web")
    process.send(signal.SIGINT)
    until(lambda: not alive(web))
    process.send(signal.SIGINT)
    process.wait()
    assert not alive(pid)


def test_a_killed_supervisor_leaves_no_child_behind(supervise: Callable[..., Process]) -> None:
    process = supervise(child("deaf", DEAF, "deaf"))
    pids = [pid_of(process, "web"), pid_of(process, "deaf")]
    process.send(signal.SIGKILL)
    process.wait()
    until(lambda: not any(alive(pid) for pid in pids))


def test_what_the_others_stand_on_ends_last(supervise: Callable[..., Process]) -> None:
    tells = DEAF.replace(
        "signal.SIG_IGN", "lambda *_: (os.write(1, f'{sys.argv[1]} goes\\n'.encode()), os._exit(0))"
    )
    some = child("base", tells, "base", base=True), child("other", tells, "other")
    process = supervise(*some, end_within_s=PATIENCE_S)
    pid_of(process, "base")
    pid_of(process, "other")
    process.wait_for("ready now")
    process.send(signal.SIGTERM)
    process.wait()
    assert re.findall(r"(\w+) goes", process.all_output()) == ["other", "base"]


def test_a_child_that_fails_for_days_is_still_started_again() -> None:
    running = Running(child("worker", DEAF))
    waits = [running.died(now=0) for _ in range(3000)]
    assert waits[:6] == [0.5, 1, 2, 4, 8, 15]
    assert set(waits[6:]) == {15}


PREPARE = """
import os, signal, sys
from playground.supervisor import Plan, Supervisor
def prepare(tend):
    os.kill(os.getpid(), signal.SIGINT)
    raise OSError("half done")
sys.exit(Supervisor(Plan([], 1, [], 1)).run(prepare))
"""


def test_a_ctrl_c_while_things_are_prepared_is_no_failure() -> None:
    process = Process([PYTHON, "-c", PREPARE], env=clean_env())
    assert process.end(0) == 0
    assert process.output == "Ended.\n"


WAITS = """
import sys
from playground.supervisor import Plan, Supervisor
def prepare(tend):
    while True: tend()
sys.exit(Supervisor(Plan.load(sys.argv[1].encode())).run(prepare))
"""


def test_what_is_waited_for_and_died_is_given_up() -> None:
    dead = child("store", "import sys; sys.exit('no room')", base=True)
    plan = Plan([dead], own_port(), ["ready now"], 1)
    process = Process([PYTHON, "-c", WAITS, plan.dump().decode()], env=clean_env())
    assert process.end(0, grace_s=60) == 1
    assert process.output.count("no room") == 3
    assert "store does not start (exit code 1); the lines above say why." in process.output


def test_a_signal_ends_what_is_waited_for() -> None:
    plan = Plan([child("store", DEAF, "store", base=True)], own_port(), ["ready now"], 0)
    process = Process([PYTHON, "-c", WAITS, plan.dump().decode()], env=clean_env())
    pid = pid_of(process, "store")
    process.send(signal.SIGTERM)
    assert process.end(0, grace_s=60) == 0
    assert not alive(pid)


def test_a_site_that_cannot_start_is_given_up(supervise: Callable[..., Process]) -> None:
    process = supervise(web="import sys; sys.exit('no such thing')")
    assert process.wait() == 1
    assert "web does not start (exit code 1); the lines above say why." in process.all_output()
