"""The code on the tab Use does what it says, run as it stands by the programs it is written for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from accounts import tokens
from accounts.models import Team, User
from playground.library import labels, snippets
from playground.library.snippets import Snippet
from playground.library.variables import Variable
from tests._servers.processes import PATIENCE_S
from tests.library.conftest import Make, Save, chat

HOSTILE = 'O\'Hara "x" \\ {{y}} $HOME `id` </script>   é'
SETTINGS = {"family": "anthropic", "model": "claude-test"}
Run = Callable[..., str]


@pytest.fixture
def found(live_server: Any, make: Make, save: Save, owner: User) -> list[Snippet]:
    prompt = make(body=chat("Hello {{name}}", settings=SETTINGS))
    labels.point(prompt, "production", prompt.versions.get(), owner)
    save(prompt, "Newer")
    wanted = [Variable("name", default=HOSTILE)]
    return snippets.snippets(live_server.url, "greeting", wanted, label="production")


@pytest.fixture
def run(team: Team, owner: User) -> Run:
    """What a program printed; the token is where the code looks for it."""
    scopes = ("prompts:read", "prompts:run")
    token = tokens.make(team, "t", scopes, by=owner, personal=True, expires_at=None)[1]

    def run_program(*arguments: str, given: str = "") -> str:
        done = subprocess.run(
            arguments,
            input=given,
            env={"PATH": os.environ["PATH"], snippets.TOKEN: token},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_program


def test_the_python_runs(found: list[Snippet], run: Run) -> None:
    printed = run(sys.executable, "-", given=found[2].text)
    assert "greeting version 1" in printed
    assert HOSTILE in json.loads(printed.partition("\n")[2])["body"]["messages"][0]["content"]


@pytest.mark.node
def test_the_javascript_runs(found: list[Snippet], run: Run) -> None:
    code = found[3].text + "console.log(JSON.stringify(rendered));\n"
    printed = run("node", "--input-type=module", "-", given=code)
    assert "greeting version 1" in printed
    told = json.loads(printed.strip().rpartition("\n")[2])
    assert HOSTILE in told["request"]["body"]["messages"][0]["content"]


@pytest.mark.curl
def test_the_curl_lines_run(found: list[Snippet], run: Run) -> None:
    assert json.loads(run("sh", "-s", given=found[0].text))["version"] == 1
    told = json.loads(run("sh", "-s", given=found[1].text))
    assert HOSTILE in told["request"]["body"]["messages"][0]["content"]
