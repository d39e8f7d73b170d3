"""Messages between the processes of embedded mode."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from celery import Celery
from kombu import Connection

import playground.celery  # noqa: F401 - names the transport
from tests._servers.processes import PATIENCE_S


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("in", "control"):
        (tmp_path / name).mkdir()
    return tmp_path


def connection(folder: Path) -> Connection:
    places = {"data_folder_in": str(folder / "in"), "data_folder_out": str(folder / "in")}
    return Connection("filesystem://", transport_options=places | {"control_folder": str(folder / "control")})


def test_a_message_has_no_name_before_it_is_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that takes a half written one dies of it."""
    seen: list[list[str]] = []
    give_name = os.replace

    def looked_at(aside: Path, name: Path) -> None:
        seen.append([path.name for path in (folder / "in").glob("[!.]*.msg")])
        give_name(aside, name)

    monkeypatch.setattr(os, "replace", looked_at)
    with connection(folder) as link, link.SimpleQueue("bell") as queue:
        queue.put({"task": 1})
        assert queue.get(timeout=PATIENCE_S).payload == {"task": 1}
    assert seen
    assert not any(seen)


def test_every_process_of_ours_uses_this_transport(folder: Path) -> None:
    app = Celery(broker="filesystem://")
    with app.connection() as link:
        assert type(link.transport).__module__ == "playground.broker"
