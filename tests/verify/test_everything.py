"""The whole list against the demo gateway: everything works, or says why it is not possible here."""

from __future__ import annotations

from playground.verify.models import CheckResult, CheckRun
from playground.verify.table import CHECKS
from tests.verify.conftest import Verify, last_run

State = CheckResult.State


def test_everything_is_green_or_said_to_be_not_possible_here(verify: Verify) -> None:
    rows = verify([check.name for check in CHECKS])
    wrong = {
        name: f"{row.state}: {row.said}"
        for name, row in rows.items()
        if row.state not in ("passed", "impossible")
    }
    assert wrong == {}
    assert set(rows) == {check.name for check in CHECKS}
    impossible = {name for name, row in rows.items() if row.state == State.IMPOSSIBLE}
    assert impossible == {"callback.reach", "callback.speed", "callback.once", "hosts"}
    assert all(rows[name].said for name in impossible)
    assert last_run().state == CheckRun.State.PASSED
