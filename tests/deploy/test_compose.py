"""docker-compose.yml against the settings and the commands the product itself runs."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from playground import processes
from tests._servers.processes import ROOT
from tests.deploy.reading import instructions, is_setting, plain_command, settings_read

Services = dict[str, dict[str, Any]]
APPS = ("migrate", "web1", "web2", "worker", "beat")
DRAIN_S = 20


def of_the_app(services: Services) -> Services:
    return {name: services[name] for name in APPS}


def seconds(text: str) -> int:
    assert text.endswith("s"), text
    return int(text[:-1])


def test_the_services_are_those_of_production_mode(services: Services) -> None:
    assert set(services) == {*APPS, "postgres", "valkey", "nginx"}


def test_every_name_in_the_environment_is_a_setting(services: Services) -> None:
    unknown = {
        name
        for service in of_the_app(services).values()
        for name in service["environment"]
        if not is_setting(name)
    }
    assert not unknown


# What the containers have no use for: embedded mode's, what the image says, and what tests turn.
NOT_HANDED_ON = {
    *("PORT", "DEMO_PORT", "DEMO_URL", "ANYINT_API_KEY", "DEBUG"),
    *("STATIC_ROOT", "MEDIA_ROOT", "WEB_WORKERS", "SSL_REDIRECT"),
    *("RUN_LEASE_S", "RUN_SAVE_S", "HEARTBEAT_S"),
}


def test_every_setting_can_be_given_to_every_container(services: Services) -> None:
    for name, service in of_the_app(services).items():
        given = {key.removesuffix("_FILE") for key in service["environment"]}
        assert set(settings_read()) - NOT_HANDED_ON == given - NOT_HANDED_ON, name


def test_the_app_has_all_that_production_mode_demands(services: Services) -> None:
    needed = {
        "PLAYGROUND_MODE",
        "SITE_URL",
        "SECRET_KEY_FILE",
        "VAULT_KEYS_FILE",
        "DATABASE_URL_FILE",
        "REDIS_URL",
    }
    for name, service in of_the_app(services).items():
        given = {key for key, value in service["environment"].items() if value}
        assert needed <= given, name
        assert service["environment"]["PLAYGROUND_MODE"] == "production"


def test_no_secret_stands_in_the_file(services: Services) -> None:
    secret = re.compile(r"SECRET|PASSWORD|KEYS|DATABASE_URL")
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            if secret.search(key) and value is not None:
                assert key.endswith("_FILE"), f"{name}: {key}"
                assert value.removeprefix("/run/secrets/") in service["secrets"], f"{name}: {key}"


def test_every_secret_that_is_used_is_declared_and_every_declared_one_is_used(
    compose: dict[str, Any], services: Services
) -> None:
    used = {secret for service in services.values() for secret in service.get("secrets", [])}
    assert used == set(compose["secrets"])
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())


@pytest.mark.parametrize("rule", ["read_only", "cap_drop", "security_opt", "logging", "restart"])
def test_every_service_is_confined(services: Services, rule: str) -> None:
    for name, service in services.items():
        wanted = {
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
            "restart": "no" if name == "migrate" else "unless-stopped",
        }
        assert service[rule] == wanted[rule], name
        assert "cap_add" not in service
        assert not service.get("privileged")


def test_no_service_runs_as_root(services: Services) -> None:
    for name, service in services.items():
        user, group = service["user"].split(":")
        assert int(user) > 0, name
        assert int(group) > 0, name


def test_every_service_that_stays_has_a_health_check(services: Services) -> None:
    for name, service in services.items():
        check = service["healthcheck"]
        if name == "migrate":
            assert check == {"disable": True}
            continue
        assert check["test"][0] in {"CMD", "CMD-SHELL"}, name
        assert seconds(check["timeout"]) < seconds(check["interval"]), name
        assert check["retries"] >= 2, name


def test_only_nginx_publishes_a_port_and_only_on_loopback(services: Services) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert list(published) == ["nginx"]
    [port] = published["nginx"]
    assert re.fullmatch(r"\$\{LISTEN:-127\.0\.0\.1:\d+\}:\d+", port)


def test_the_stores_are_out_of_reach_of_nginx_and_of_the_outside(
    compose: dict[str, Any], services: Services
) -> None:
    inside = {name for name, network in compose["networks"].items() if network.get("internal")}
    for store in ("postgres", "valkey"):
        assert set(services[store]["networks"]) <= inside
        assert not set(services[store]["networks"]) & set(services["nginx"]["networks"])


def test_what_calls_the_gateway_may_leave_the_machine(compose: dict[str, Any], services: Services) -> None:
    outside = {name for name, network in compose["networks"].items() if not network.get("internal")}
    for name in ("web1", "web2", "worker"):
        assert outside & set(services[name]["networks"]), name


def test_every_image_is_pinned_to_a_release(services: Services) -> None:
    for name, service in services.items():
        _, _, tag = service["image"].rpartition(":")
        assert re.match(r"\d+\.\d+", tag), f"{name}: {service['image']}"


def test_our_image_carries_the_version_of_the_project(services: Services) -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    images = {service["image"] for service in of_the_app(services).values()}
    assert images == {f"anyint-playground:{version[1]}"}


def test_nothing_waits_for_itself_or_for_what_is_not_there(services: Services) -> None:
    waits = {name: set(service.get("depends_on", {})) for name, service in services.items()}
    settled: set[str] = set()
    while ready := {name for name, on in waits.items() if on <= settled} - settled:
        settled |= ready
    assert settled == set(waits)


def test_nothing_serves_before_the_migrations_are_through(services: Services) -> None:
    for name in set(APPS) - {"migrate"}:
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}, (
            name
        )
    assert services["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert services["postgres"]["healthcheck"]


def test_the_processes_have_the_commands_that_the_product_runs_by_itself(services: Services) -> None:
    given = {name: plain_command(services[name]["command"]) for name in ("migrate", "worker", "beat")}
    beat_file = given["beat"][-1]
    assert given == {
        "migrate": plain_command(processes.manage("migrate", "--noinput")),
        "worker": plain_command(processes.worker()),
        "beat": plain_command(processes.beat(beat_file)),
    }


def test_the_web_processes_run_the_images_own_command(services: Services) -> None:
    [command] = instructions("CMD")
    assert plain_command(yaml.safe_load(command)) == plain_command(processes.web(8000, drain_s=DRAIN_S))
    for name in ("web1", "web2"):
        assert "command" not in services[name]
        assert services[name]["environment"]["DRAIN_S"] == str(DRAIN_S)


def test_running_answers_are_given_their_time_before_docker_kills(services: Services) -> None:
    [command] = instructions("CMD")
    argv = yaml.safe_load(command)
    server_waits = int(argv[argv.index("--timeout-graceful-shutdown") + 1])
    for name in ("web1", "web2"):
        assert seconds(services[name]["stop_grace_period"]) > DRAIN_S + server_waits


def test_the_two_web_processes_are_one_and_the_same(services: Services) -> None:
    assert services["web1"] == services["web2"]


def test_whatever_is_written_has_a_place_that_may_be_written(services: Services) -> None:
    beat = services["beat"]
    folder = beat["command"][-1].rpartition("/")[0]
    assert folder in beat["tmpfs"]
    assert f"os.scandir('{folder}')" in beat["healthcheck"]["test"][-1]
    for name in APPS:
        assert "/tmp" in services[name]["tmpfs"]
    for name in ("web1", "web2", "worker"):
        assert services[name]["volumes"] == ["media:/data/media"]


def test_one_proxy_is_trusted_as_there_is_one(services: Services) -> None:
    for service in of_the_app(services).values():
        assert service["environment"]["TRUSTED_PROXIES"] == "1"
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in (ROOT / "deploy" / "nginx.conf").read_text()


def test_the_body_limit_of_nginx_is_that_of_the_app() -> None:
    limit = re.search(r"client_max_body_size (\d+)m;", (ROOT / "deploy" / "nginx.conf").read_text())
    assert limit
    assert int(limit[1]) == settings_read()["MAX_REQUEST_MB"]


def test_nginx_knows_every_web_process(services: Services) -> None:
    upstreams = re.findall(r"server (\w+):8000 ", (ROOT / "deploy" / "nginx.conf").read_text())
    assert upstreams == sorted(name for name in services if name.startswith("web"))
    assert set(upstreams) <= set(services["nginx"]["depends_on"])
