"""`bootstrap.py`: what it says when something is missing, and that it installs a lock once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import bootstrap
from tests._servers.processes import PYTHON, ROOT, clean_env, run

OLD = (3, 9, 18)


def test_a_new_enough_python_is_kept() -> None:
    assert bootstrap.fit_python((3, 11, 0), lambda name: None, lambda path: False) == ""


def test_an_old_python_hands_over_to_a_newer_one_that_works() -> None:
    # Somebody's shim for 3.13 is on PATH, with nothing behind it.
    found = bootstrap.fit_python(OLD, lambda name: f"/bin/{name}", lambda path: path.endswith("3.12"))
    assert found == "/bin/python3.12"


def test_an_old_python_alone_is_one_line_that_says_what_to_do() -> None:
    with pytest.raises(bootstrap.Hint) as refused:
        bootstrap.fit_python(OLD, lambda name: None, lambda path: True)
    assert str(refused.value) == (
        "Python 3.11 or newer is needed, this is 3.9.18: apt-get install python3, or brew install python"
    )


def test_a_wrong_python_is_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (99, 0))
    monkeypatch.setenv("PATH", "")
    assert bootstrap.main(["run"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_unknown_command_lists_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main(["fly"]) == 2
    assert capsys.readouterr().err == f"usage: bootstrap.py {'|'.join(bootstrap.COMMANDS)} [arguments]\n"


def test_a_python_that_cannot_make_environments_names_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / "none")
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(bootstrap.Hint, match="apt-get install python3-venv"):
        bootstrap.make_venv()


@pytest.fixture
def clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout whose environment is a link to the Python of the tests, and whose locks are empty."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "base.txt").write_text("# nothing to install\n")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "STAMPS", tmp_path / ".venv" / "stamps.json")
    monkeypatch.setattr(bootstrap, "PYTHON", Path(PYTHON))
    return tmp_path


Said = Callable[[], str]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Said:
    return lambda: capfd.readouterr().out


def test_a_lock_is_installed_once(clone: Path, said: Said) -> None:
    bootstrap.install("base")
    assert "installing requirements/base.txt" in said()
    bootstrap.install("base")
    assert said() == ""


def test_a_changed_lock_is_installed_again(clone: Path, said: Said) -> None:
    bootstrap.install("base")
    (clone / "requirements" / "base.txt").write_text("# nothing, in other words\n")
    said()
    bootstrap.install("base")
    assert "installing requirements/base.txt" in said()


@pytest.mark.parametrize(
    ("given", "locks"),
    [
        ({}, ["base"]),
        ({"S3_BUCKET": "  "}, ["base"]),
        ({"S3_BUCKET": "files"}, ["base", "s3"]),
        ({"S3_BUCKET_FILE": "/run/secrets/bucket"}, ["base", "s3"]),
    ],
)
@pytest.mark.parametrize("command", ["run", "production"])
def test_what_s3_needs_is_installed_for_who_names_a_bucket(
    monkeypatch: pytest.MonkeyPatch, command: str, given: dict[str, str], locks: list[str]
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(bootstrap, "install", lambda *names: installed.extend(names))
    monkeypatch.setattr(bootstrap, "hold", lambda: None)
    monkeypatch.setattr(bootstrap, "become", lambda *argv: None)
    for name in ("S3_BUCKET", "S3_BUCKET_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert bootstrap.main([command]) == 0
    assert installed == locks


def test_what_has_no_hash_is_refused(clone: Path) -> None:
    (clone / "pyproject.toml").write_text('[project]\nname = "anything"\nversion = "1"\n')
    (clone / "requirements" / "base.txt").write_text(".\n")
    with pytest.raises(bootstrap.Hint, match="could not be installed"):
        bootstrap.install("base")
    assert not bootstrap.STAMPS.exists()


def test_a_moved_checkout_gets_a_new_environment(
    clone: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    bootstrap.STAMPS.write_text('{"path": "/somewhere/else"}')
    monkeypatch.setattr(bootstrap, "PYTHON", clone / ".venv" / "bin" / "python")
    bootstrap.make_venv()
    assert "making .venv" in said()
    assert (clone / ".venv" / "bin" / "python").exists()
    assert not bootstrap.STAMPS.exists()


def test_make_alone_lists_every_command() -> None:
    listed = run(["make"], env=clean_env())
    assert [line.split()[1] for line in listed.splitlines()] == ["help", *bootstrap.COMMANDS]


def test_only_the_standard_library_is_used() -> None:
    code = "import sys; before = set(sys.modules); import bootstrap; print(*set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    tops = {name.partition(".")[0] for name in done.stdout.split()} - {"bootstrap"}
    assert tops <= sys.stdlib_module_names
