"""The systemd units against the settings and the commands the product itself runs."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from playground import processes
from tests._servers.processes import PYTHON, ROOT, clean_env, run
from tests.deploy.reading import is_setting, plain_command, unit, unit_commands

FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
SERVING = [name for name in UNITS if name != "playground-prepare.service"]


def example_env() -> dict[str, str]:
    lines = (FOLDER / "playground.env.example").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def test_there_is_a_unit_for_every_process() -> None:
    names = ["beat", "prepare", "web@", "worker"]
    assert [f"playground-{name}.service" for name in names] == UNITS


def test_the_commands_are_those_the_product_runs_by_itself() -> None:
    web = [part.replace("%i", "8000") for part in unit_commands("playground-web@.service")[0]]
    drain_s = float(example_env()["DRAIN_S"])
    assert web == plain_command(processes.web(8000, drain_s=drain_s))
    assert unit_commands("playground-worker.service") == [plain_command(processes.worker())]
    [beat] = unit_commands("playground-beat.service")
    assert beat == plain_command(processes.beat(beat[-1]))
    assert unit_commands("playground-prepare.service") == [
        plain_command(processes.manage("migrate", "--noinput")),
        plain_command(processes.manage("collectstatic", "--noinput")),
    ]


def test_a_web_process_listens_on_loopback_alone() -> None:
    [line] = unit("playground-web@.service")["ExecStart"]
    argv = shlex.split(line)
    assert argv[argv.index("--host") + 1] == "127.0.0.1"


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_confined(name: str) -> None:
    lines = unit(name)
    assert lines["User"] == ["playground"]
    assert lines["NoNewPrivileges"] == ["yes"]
    assert lines["ProtectSystem"] == ["strict"]
    assert lines["CapabilityBoundingSet"] == [""]
    assert lines["EnvironmentFile"] == ["/etc/playground/playground.env"]


@pytest.mark.parametrize("name", SERVING)
def test_a_process_comes_back_and_waits_for_the_migrations(name: str) -> None:
    lines = unit(name)
    assert lines["Restart"] == ["always"]
    assert lines["Requires"] == ["playground-prepare.service"]
    assert lines["After"] == ["playground-prepare.service"]


def test_running_answers_are_given_their_time_before_systemd_kills() -> None:
    [argv] = unit_commands("playground-web@.service")
    server_waits = int(argv[argv.index("--timeout-graceful-shutdown") + 1])
    [allowed] = unit("playground-web@.service")["TimeoutStopSec"]
    assert int(allowed) > float(example_env()["DRAIN_S"]) + server_waits


def test_every_name_in_the_example_is_a_setting() -> None:
    others = {name for name in example_env() if not is_setting(name)}
    assert others == {"MALLOC_ARENA_MAX", "UV_THREADPOOL_SIZE"}


def test_the_example_serves_with_the_secrets_that_the_script_makes(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    script = ROOT / "deploy" / "make-secrets.sh"
    subprocess.run(["sh", script, secrets, "127.0.0.1:5432"], check=True)
    env = {
        name: value.replace("/etc/playground/secrets", str(secrets)) for name, value in example_env().items()
    }
    code = (
        "from playground import settings; print(settings.DATABASES['default']['HOST'], settings.VAULT_KEYS)"
    )
    output = run([PYTHON, "-c", code], env=clean_env(**env))
    assert output.split() == ["127.0.0.1", (secrets / "vault_keys").read_text().strip()]


def test_the_script_keeps_the_secrets_that_are_there_and_their_folder_to_its_owner(tmp_path: Path) -> None:
    argv = ["sh", str(ROOT / "deploy" / "make-secrets.sh"), str(tmp_path / "secrets")]
    subprocess.run(argv, check=True)
    before = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    subprocess.run(argv, check=True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == before
    made = {"secret_key", "vault_keys", "postgres_password", "database_url"}
    assert set(before) == made | {"secret_key_fallbacks", "email_password", "s3_secret_key"}
    assert all(before[name].strip() for name in made)
    assert before["postgres_password"].strip() in before["database_url"]
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
