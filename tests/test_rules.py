"""What holds for every file of the repository."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests._servers.left_out import GIT

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 400
# Written by tools or by others: locks, licences, fonts, minified scripts, recorded answers.
NOT_OURS = re.compile(r"^(requirements/.*\.txt|static/vendor/|tests/vendor/|tests/wire/|LICENSE)")
FORBIDDEN_NAMES = {"utils", "helpers", "services", "core", "common", "manager", "managers"}
# Put together here, so that this file does not hold what it looks for.
REGISTRY_HOSTS = [
    f"{name}.{end}"
    for name, end in (
        ("pypi", "org"),
        ("files.pythonhosted", "org"),
        ("pythonhosted", "org"),
        ("registry.npmjs", "org"),
        ("npmjs", "com"),
        ("unpkg", "com"),
        ("jsdelivr", "net"),
        ("cdnjs", "cloudflare"),
        ("proxy.golang", "org"),
        ("crates", "io"),
    )
]
MACHINE_PATH = re.compile(
    r"(?<![\w.~-])/(?:" + "|".join(("work", "root", "home/[a-z]", "Users/[A-Za-z]")) + r")/"
)
CREDENTIAL = re.compile(
    r"\b(?:sk-(?:proj-|ant-)?[A-Za-z0-9_]{32,}|gh[pousr]_[A-Za-z0-9]{30,}|AKIA[0-9A-Z]{16}|AIza[\w-]{35})\b"
    r"|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
)


@cache
def tracked() -> list[Path]:
    """Every file a clone would have; only tests marked `git` may ask for it."""
    argv = [*GIT, "ls-files", "-co", "--exclude-standard", "-z"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file())


@cache
def text_of(path: Path) -> str:
    data = path.read_bytes()
    return "" if b"\0" in data[:8000] else data.decode("utf-8", "replace")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def ours() -> list[Path]:
    return [path for path in tracked() if not NOT_OURS.match(name_of(path))]


def holding(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{name_of(path)}: {found.group()}" for path in paths for found in pattern.finditer(text_of(path))
    ]


@pytest.mark.git
def test_the_rules_see_files() -> None:
    assert ROOT / "playground" / "settings.py" in ours()


@pytest.mark.git
def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        name_of(path): text_of(path).count("\n") for path in ours() if text_of(path).count("\n") > LONGEST
    }
    assert long == {}


@pytest.mark.git
def test_no_file_names_a_package_registry() -> None:
    hosts = re.compile("|".join(re.escape(host) for host in REGISTRY_HOSTS), re.IGNORECASE)
    assert holding(hosts, tracked()) == []


@pytest.mark.git
def test_no_file_holds_a_path_of_one_machine() -> None:
    assert holding(MACHINE_PATH, ours()) == []


@pytest.mark.git
def test_no_file_holds_a_credential() -> None:
    assert holding(CREDENTIAL, tracked()) == []


@pytest.mark.git
def test_no_module_or_folder_has_a_name_that_says_nothing() -> None:
    vague = [
        name_of(path)
        for path in ours()
        if FORBIDDEN_NAMES & {part.partition(".")[0] for part in path.relative_to(ROOT).parts}
    ]
    assert vague == []


def test_no_package_of_tests_shadows_another() -> None:
    assert [name_of(path) for path in (ROOT / "tests").rglob("__init__.py")] == []


def test_the_locks_agree_on_every_version() -> None:
    """One environment holds all of them, so what one pins no other may pin otherwise."""
    pins: dict[str, set[str]] = {}
    for lock in (ROOT / "requirements").glob("*.txt"):
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE):
            pins.setdefault(name, set()).add(version)
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}


def test_every_pin_of_a_lock_has_a_hash() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        entries = re.split(r"\n(?=\S)", lock.read_text().strip())
        assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
