"""What the product reads and runs, taken from its own source: the measure of every deployment file."""

from __future__ import annotations

import ast
import re
import shlex
import sys
from functools import cache
from pathlib import Path

from tests._servers.processes import ROOT

READERS = {"text", "number", "flag", "choice", "words"}


@cache
def settings_read() -> dict[str, object]:
    """Environment name -> its default where that is a plain value (None where it is worked out)."""
    tree = ast.parse((ROOT / "playground" / "settings.py").read_text())
    found: dict[str, object] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=reader), args=[ast.Constant(value=str(name)), *rest]) if (
                reader in READERS
            ):
                found[name] = _plain(rest[0]) if rest else ""
            case ast.Assign(targets=[ast.Name(id="ENV_KEY_NAME")], value=ast.Constant(value=str(name))):
                found[name] = ""
    return found


def _plain(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def is_setting(name: str) -> bool:
    """Whether the settings read it, or its file twin."""
    return name.removesuffix("_FILE") in settings_read()


def plain_command(argv: list[str]) -> list[str]:
    """A command without what rightly differs between machines: which Python, and the address served on."""
    python = Path(argv[0]).name.startswith("python") or argv[0] == sys.executable
    argv = ["python" if python else argv[0], *argv[1:]]
    if "--host" in argv:
        argv[argv.index("--host") + 1] = "HOST"
    return argv


@cache
def dockerfile() -> tuple[tuple[str, str], ...]:
    """Its instructions in order: (name, the rest on one line)."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    parts = (line.partition(" ") for line in lines if line.strip())
    return tuple((name.upper(), rest.strip()) for name, _, rest in parts)


def instructions(name: str) -> list[str]:
    return [rest for found, rest in dockerfile() if found == name]


def unit(name: str) -> dict[str, list[str]]:
    """A systemd unit's lines: key -> every value given, in order."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "deploy" / "systemd" / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def unit_commands(name: str) -> list[list[str]]:
    return [plain_command(shlex.split(line)) for line in unit(name)["ExecStart"]]
