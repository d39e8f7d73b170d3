"""The process: its start, its end, and many streams at once."""

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import openai
import pytest

from tests._servers.processes import PATIENCE_S

QUESTION = [{"role": "user", "content": "Explain tides"}]


def test_it_prints_one_line_with_address_and_key(gateway):
    host, port = gateway.address
    assert gateway.line == f"demo gateway: http://{host}:{port} key: demo-key\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_with_streams_open(starter, number):
    own = starter("--fast")
    with ExitStack() as stack:
        for model in ["demo-stall-after-1", "demo-hang", "demo-stall-after-3"] * 4:
            stack.enter_context(own.socket(model))
        own.streams_once(12)
        own.process.send_signal(number)
        # A net against hanging for ever, not a measurement.
        assert own.process.wait(timeout=PATIENCE_S) == 0


def test_a_taken_port_gives_one_line(gateway):
    port = str(gateway.address[1])
    done = subprocess.run(
        [sys.executable, "-m", "playground.demo", "--port", port], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"demo gateway: cannot listen on 127.0.0.1:{port} (Address already in use)\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [("DEMO_PORT", "http"), ("DEMO_PORT", "70000"), ("DEMO_SPEED", "fast"), ("DEMO_MODELS", "-1")],
)
def test_a_wrong_setting_gives_one_line(name, value):
    done = subprocess.run(
        [sys.executable, "-m", "playground.demo"],
        capture_output=True,
        text=True,
        env={name: value},
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("demo gateway: ") and done.stderr.count("\n") == 1


def test_it_imports_nothing_but_the_standard_library():
    code = (
        "import sys, playground.demo.app; "
        "roots = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names); "
        "ours = [n for n in sys.modules if n.startswith('playground.')]; "
        "print(sorted(name for name in roots if not name.startswith('_')), "
        "[n for n in ours if not n.startswith('playground.demo')])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": "."},
    )
    assert done.stdout == "['playground'] []\n"


async def test_many_streams_run_side_by_side(gateway):
    async with openai.AsyncOpenAI(
        base_url=f"{gateway.base}/openai/v1", api_key="demo-key", max_retries=0, timeout=PATIENCE_S
    ) as client:

        async def tokens(number):
            stream = await client.chat.completions.create(
                model="demo-fast-100",
                messages=[{"role": "user", "content": f"question {number}"}],
                stream=True,
                stream_options={"include_usage": True},
            )
            return [chunk async for chunk in stream][-1].usage.completion_tokens

        assert await asyncio.gather(*(tokens(number) for number in range(100))) == [100] * 100


def test_a_paced_stream_is_sent_token_by_token(starter):
    own = starter(DEMO_SPEED="20")
    with own.socket("demo-chat") as connection:
        data = b""
        while b"[DONE]" not in data:
            data += connection.recv(65536)
    pieces = [piece for piece in data.split(b"\r\n") if piece.startswith(b"data: ")]
    assert len(pieces) > 50


def test_leaving_in_mid_stream_is_seen_and_ends_the_work(starter):
    own = starter()
    with own.socket("demo-slow") as connection:
        while b'"role"' not in connection.recv(65536):
            pass
        assert own.json("/demo/streams")["open"] == 1
    assert own.streams_once(0)["left"] == 1
    assert json.loads(own.chat("still here", model="demo-chat", max_tokens=1)[2])["choices"]


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux tells the timers of its sockets there")
def test_a_caller_that_is_gone_without_a_word_is_asked_after(gateway):
    with gateway.socket("demo-stall-after-1") as caller:
        assert caller.recv(16)
        theirs = {f":{gateway.address[1]:04X}", f":{caller.getsockname()[1]:04X}"}
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        (timer,) = [
            row[5]
            for row in rows
            if row[1][-5:] in theirs and row[2][-5:] in theirs
            if row[1].endswith(f":{gateway.address[1]:04X}")
        ]
    # 02 is the timer of the questions that keep a connection alive.
    assert timer.startswith("02:")
