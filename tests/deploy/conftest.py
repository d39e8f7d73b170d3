"""What the deployment tests share: the files as they are read by machines."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
import yaml

from tests._servers import left_out
from tests._servers.processes import ROOT


def nginx_binary() -> str | None:
    """Debian keeps it off an ordinary user's PATH."""
    return shutil.which("nginx", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "nginx: needs nginx")
    left_out.NEEDS["nginx"] = (lambda: nginx_binary() is not None, "apt-get install nginx-light")


@pytest.fixture
def compose() -> dict[str, Any]:
    """docker-compose.yml with its anchors merged."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


@pytest.fixture
def nginx() -> str:
    """The server's binary; only tests marked `nginx` may ask for it."""
    binary = nginx_binary()
    assert binary is not None
    return binary
