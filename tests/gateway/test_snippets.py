"""Programs that send a request: each is taken as its language takes it, and sends the same."""

from __future__ import annotations

import json
import shlex
import sys
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from playground.gateway import snippets
from playground.gateway.request import WireRequest

BODY = {
    "model": 'it\'s "m"',
    "text": "'''triple'''\n${no} $HOME `tick` \\ end\u2028",
    "on": True,
    "none": None,
    "many": [1, 2.5, {"deep": []}],
}
HEADERS = {"Content-Type": "application/json", "anthropic-version": "2023-06-01", "odd": "it's"}


def wire(**more: Any) -> WireRequest:
    return WireRequest("POST", "/v1/x", json.dumps(BODY).encode(), HEADERS, **more)


def programs(request: WireRequest, base_url: str = "https://gateway.example.com/") -> dict[str, str]:
    return dict(snippets.code(snippets.told(request), base_url))


class Httpx(ModuleType):
    """Notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__("httpx")
        self.asked: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def request(self, *args: Any, **options: Any) -> Any:
        self.asked.append((args, options))
        return SimpleNamespace(status_code=200, text="fine")

    def stream(self, *args: Any, **options: Any) -> AbstractContextManager[Any]:
        self.asked.append((args, options))
        return nullcontext(SimpleNamespace(iter_lines=lambda: ["data: fine"]))


@pytest.mark.parametrize("stream", [False, True])
def test_the_python_program_sends_the_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stream: bool
) -> None:
    httpx = Httpx()
    monkeypatch.setitem(sys.modules, "httpx", httpx)
    monkeypatch.setenv("ANYINT_API_KEY", "a-key")
    exec(programs(wire(stream=stream))["Python"], {})  # noqa: S102 - the program is what is tested
    ((args, options),) = httpx.asked
    assert args == ("POST", "https://gateway.example.com/v1/x")
    assert options["json"] == BODY
    assert options["headers"] == {
        "Authorization": "Bearer a-key",
        "anthropic-version": "2023-06-01",
        "odd": "it's",
    }
    assert "fine" in capsys.readouterr().out


def test_the_curl_command_sends_the_request_and_leaves_the_key_to_the_shell() -> None:
    words = shlex.split(programs(wire())["cURL"].replace("\\\n", ""))
    assert words[:4] == ["curl", "-X", "POST", "https://gateway.example.com/v1/x"]
    assert json.loads(words[words.index("-d") + 1]) == BODY
    headers = [word for at, word in enumerate(words) if words[at - 1] == "-H"]
    assert headers == [
        "Authorization: Bearer $ANYINT_API_KEY",
        "Content-Type: application/json",
        "anthropic-version: 2023-06-01",
        "odd: it's",
    ]


def test_the_javascript_program_holds_the_body_as_it_is() -> None:
    program = programs(wire())["JavaScript"]
    body = program.split("JSON.stringify(")[1].split("),\n});")[0]
    assert json.loads(body) == BODY
    assert "`Bearer ${process.env.ANYINT_API_KEY}`" in program


def test_a_stream_is_read_as_one_in_every_language() -> None:
    written = programs(wire(stream=True))
    assert written["cURL"].startswith("curl -N ")
    assert "httpx.stream(" in written["Python"]
    assert "for await" in written["JavaScript"]


def test_the_header_of_the_key_is_that_of_the_route() -> None:
    written = programs(wire(auth="x-api-key", query={"alt": "sse"}))
    assert '"x-api-key: $ANYINT_API_KEY"' in written["cURL"]
    assert "'x-api-key': '' + os.environ" in written["Python"]
    assert all("Bearer" not in text and "/v1/x?alt=sse" in text for text in written.values())


def test_what_is_no_json_or_too_long_is_no_program() -> None:
    assert programs(WireRequest("POST", "/v1/x", b"--form\r\n")) == {}
    long = WireRequest("POST", "/v1/x", json.dumps(["word " * 200_000]).encode())
    assert programs(long) == {}
    assert snippets.told(long).body.endswith("more characters")


PICTURE = "iVBORw0KGgo" * 100


@pytest.mark.parametrize("held", [PICTURE, f"data:image/png;base64,{PICTURE}"])
def test_each_program_says_how_a_file_is_put_in_as_a_comment_of_its_language(held: str) -> None:
    body = json.dumps({"image": held}).encode()
    shown = programs(WireRequest("POST", "/v1/x", body, {}))
    hints = {
        "cURL": ("#", "base64 -w0"),
        "Python": ("#", "base64.b64encode"),
        "JavaScript": ("//", 'toString("base64")'),
    }
    for name, (comment, how) in hints.items():
        lines = shown[name].splitlines()
        told = [line for line in lines if line.startswith(comment)]
        assert how in "\n".join(told), name
        assert lines[: len(told)] == told
    compile(shown["Python"], "python", "exec")


def test_a_program_without_a_file_has_no_such_comment() -> None:
    assert not any("stands in the body" in text for text in programs(wire()).values())
