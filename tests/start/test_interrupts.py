"""Ctrl-C at any moment of the start: it is never lost, never a traceback, and leaves nobody behind."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests._servers.processes import PYTHON, Process, clean_env
from tests.start.test_play import Start, play, ports

__all__ = ["play", "ports"]

# Loaded by every Python process of the start: sends the signal to itself at one exact moment of it.
TRIGGER = '''
import os, signal, sys

name, _, word = os.environ["MOMENT"].partition(" ")
number = int(os.environ["SIGNAL"])
waiting = True


class Last:
    """What its end raises is lost: Python only prints it."""

    def __del__(self):
        os.kill(os.getpid(), number)
        for _ in range(100_000):
            pass


def hook(event, args):
    global waiting
    there = event == name.removeprefix("lost:") and (not word or any(word in str(arg) for arg in args))
    if waiting and there:
        waiting = False
        Last() if name.startswith("lost:") else os.kill(os.getpid(), number)


sys.addaudithook(hook)
'''
# What Python tells its audit hooks: an event, and a word of it.
MOMENTS = [
    "import django.core.management",
    "open /settings.",
    "open data/lock",
    "sqlite3.connect playground.sqlite3",
    "open 0001_initial.",
    "lost:import playground.supervisor",
    "lost:import django.contrib.staticfiles.storage",
    "os.listdir migrations",
    "open .stamp",
    "os.exec playground.supervisor",
    "import select",
    "os.fork ",
    "subprocess.Popen uvicorn",
    "socket.connect 127.0.0.1",
]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_while_it_starts_ends_it(
    play: Start, tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    (tmp_path / "sitecustomize.py").write_text(TRIGGER)
    process = play(PYTHONPATH=str(tmp_path), MOMENT=moment, SIGNAL=str(int(number)))
    process.wait()
    # Fails when it left somebody behind who can still write.
    process.end(signal.SIGKILL)
    assert "Traceback" not in process.output
    assert "Sign in with this link" not in process.output


BEFORE = """
import os, signal, sys
from pathlib import Path
import bootstrap
bootstrap.PYTHON = Path(sys.executable)
bootstrap.install = lambda name: None
bootstrap.hold()
os.kill(os.getpid(), signal.SIGINT)
bootstrap.main([sys.argv[1]])
"""


@pytest.mark.parametrize("command", ["run", "production"])
def test_a_ctrl_c_before_the_command_can_take_it_waits_for_it(command: str, tmp_path: Path) -> None:
    env = clean_env(PLAYGROUND_DATA=str(tmp_path / "data"))
    process = Process([PYTHON, "-c", BEFORE, command], env=env)
    assert process.wait() == 130
    assert process.end(signal.SIGKILL) == 130
    assert process.output == ""
    assert not (tmp_path / "data").exists()
