"""Ports that are given to one server alone."""

from __future__ import annotations

import socket

from tests._servers import ports


def test_no_two_processes_of_a_run_have_a_port_in_common() -> None:
    ranges = [ports.range_of(f"gw{number}") for number in range(ports.PROCESSES)]
    assert len(set().union(*ranges)) == ports.EACH * ports.PROCESSES
    assert ports.range_of("") == ranges[0]


def test_a_port_comes_again_only_after_all_others() -> None:
    given = [ports.own_port() for _ in range(ports.EACH // 2)]
    assert len(set(given)) == len(given)


def test_a_port_that_somebody_has_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", ports.own_port())) as other:
        taken = other.getsockname()[1]
        assert taken not in {ports.own_port() for _ in range(ports.EACH)}
