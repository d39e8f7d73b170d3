"""The Dockerfile and what its build may see."""

from __future__ import annotations

import os
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from tests._servers.processes import PYTHON, ROOT, clean_env
from tests.deploy.reading import dockerfile, instructions, is_setting


def copied() -> list[str]:
    """What COPY takes from the build context."""
    words = [rest.split() for rest in instructions("COPY")]
    return [source for parts in words if not parts[0].startswith("--from") for source in parts[:-1]]


def let_in(path: str) -> bool:
    """Whether .dockerignore leaves a path in the context: the last rule that matches decides."""
    inside = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        rule = line.strip()
        if not rule or rule.startswith("#"):
            continue
        pattern = rule.removeprefix("!").removeprefix("**/")
        parents = [str(parent) for parent in (Path(path), *Path(path).parents)][:-1]
        deep = rule.removeprefix("!").startswith("**/")
        names = [Path(parent).name for parent in parents] if deep else parents
        if any(fnmatch(name, pattern) for name in names):
            inside = rule.startswith("!")
    return inside


def test_every_stage_starts_from_one_pinned_release() -> None:
    bases = [rest.split()[0] for rest in instructions("FROM")]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases[0])


def test_nothing_is_fetched_but_locked_packages() -> None:
    assert not instructions("ADD")
    installs = [rest for rest in instructions("RUN") if "install -" in rest and "pip" in rest]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "--only-binary :all:" in installs[0]
    assert not [rest for rest in instructions("RUN") if re.search(r"\b(curl|wget|apt-get|git)\b", rest)]


def test_the_process_is_not_root_and_its_user_is_that_of_the_compose_file(
    services: dict[str, dict[str, str]],
) -> None:
    names = [name for name, _ in dockerfile()]
    [user] = instructions("USER")
    assert user == services["web1"]["user"]
    assert int(user.split(":")[0]) > 0
    assert names.index("USER") < names.index("CMD")


def test_nothing_writes_to_the_image_after_the_user_is_set() -> None:
    names = [name for name, _ in dockerfile()]
    assert not {"RUN", "COPY"} & set(names[names.index("USER") :])


def test_its_health_check_is_that_of_the_compose_file(
    services: dict[str, dict[str, dict[str, list[str]]]],
) -> None:
    [check] = instructions("HEALTHCHECK")
    command = yaml.safe_load(check.partition("CMD ")[2])
    assert ["CMD", *command] == services["web1"]["healthcheck"]["test"]


def test_every_name_it_sets_is_a_setting_or_belongs_to_the_tools() -> None:
    tools = re.compile(r"PATH|PYTHON\w+|PIP_\w+|MALLOC_\w+|UV_\w+")
    names = {pair.partition("=")[0] for rest in instructions("ENV") for pair in rest.split()}
    assert {name for name in names if not tools.fullmatch(name) and not is_setting(name)} == set()


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_exists_and_is_let_in(source: str) -> None:
    assert (ROOT / source).exists()
    assert let_in(source)
    if (ROOT / source).is_dir():
        inner = next(
            path
            for path in (ROOT / source).rglob("*.*")
            if path.is_file() and let_in(str(path.relative_to(ROOT)))
        )
        assert inner


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        "var/secret_key",
        "deploy/secrets/vault_keys",
        ".env",
        "tests/conftest.py",
        "playground/__pycache__/settings.cpython-311.pyc",
        "accounts/migrations/__pycache__/x.pyc",
    ],
)
def test_what_must_stay_out_stays_out(path: str) -> None:
    assert not let_in(path)


def test_all_that_the_processes_import_or_read_is_copied() -> None:
    needed = {"manage.py", "playground", "accounts", "templates", "static"}
    assert needed <= set(copied())


def test_collected_files_can_be_read_by_another_user_than_the_builder(tmp_path: Path) -> None:
    [build] = [rest for rest in instructions("RUN") if "collectstatic" in rest]
    for name in ("manage.py", "playground", "accounts", "templates", "static"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "build").mkdir()
    script = build.replace("/tmp/build", str(tmp_path / "build"))
    # In the image the files of `.` are the image's own; here they are the checkout's.
    script = script.replace("chmod -R a+rX,go-w .", "chmod -R a+rX,go-w staticfiles")
    assert script != build
    env = clean_env(STATIC_ROOT=str(tmp_path / "staticfiles"))
    env["PATH"] = f"{Path(PYTHON).parent}{os.pathsep}{env['PATH']}"
    subprocess.run(["sh", "-euc", script], cwd=tmp_path, env=env, check=True, capture_output=True)
    files = [path for path in (tmp_path / "staticfiles").rglob("*") if path.is_file()]
    assert (tmp_path / "staticfiles" / "staticfiles.json") in files
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in files)
    assert not (tmp_path / "build").exists()
