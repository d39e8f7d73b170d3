"""Works through checks one after the other, telling a sink how each stands. Knows no rows and no page."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol

from django.utils import timezone

from accounts import keys
from playground.gateway.errors import GatewayError
from playground.gateway.media.registry import OPERATIONS
from playground.gateway.wire import FAMILIES
from playground.usage.budgets import OverBudget
from playground.verify import bench as b
from playground.verify import task_checks
from playground.verify.bench import Bench, Finding
from playground.verify.table import Check

log = logging.getLogger(__name__)
NO_MODEL = "No model is chosen for {}: choose one, or refresh the list of models of this key."
NO_LIST = (
    "No model is chosen for {}, and the list of models of this key did not come: {} "
    "Choose one, or run it again."
)
OWN_FAULT = "The playground itself failed on this check ({})."


class Sink(Protocol):
    """Who is told: rows in the database, or a terminal."""

    def begins(self, check: Check, model: str) -> None: ...

    def found(self, check: Check, finding: Finding) -> None: ...


def work_through(checks: Iterable[Check], bench: Bench, sink: Sink) -> None:
    """Every check in order. Raises Stopped or Interrupted; nothing that a gateway can do."""
    for check in checks:
        bench.pulse()
        model = model_of(check, bench)
        sink.begins(check, model)
        bench.take_evidence()
        found = _missing(check, bench, model) or _tried(check, bench)
        found.evidence, found.spent = bench.take_evidence(), bench.take_spent()
        found.model = found.model or model
        sink.found(check, found)


def model_of(check: Check, bench: Bench) -> str:
    if check.asks_model:
        return bench.subject.model_for(check.asks)
    return task_checks.model_for(check.operation, bench) if check.operation else ""


def _missing(check: Check, bench: Bench, model: str) -> Finding | None:
    """What keeps a check from being tried: no model, or a limit of the team's key."""
    subject = bench.subject
    if check.asks_model and not model:
        words = NO_LIST if subject.unlisted else NO_MODEL
        return b.skipped(words.format(FAMILIES[check.family].label, subject.unlisted))
    if subject.key is None or not model:
        return None
    family = OPERATIONS[check.operation].family if check.operation else check.family
    refusal = keys.refusal(subject.key, subject.user, timezone.now(), family=family, model=model)
    return b.skipped(refusal) if refusal else None


def _tried(check: Check, bench: Bench) -> Finding:
    try:
        return check.work(bench, check.family)
    except GatewayError as error:
        return b.broken(error)
    except OverBudget as error:
        return b.skipped(str(error))
    except (b.Stopped, b.Interrupted):
        raise
    except Exception as error:
        # One row that is broken here must not take the others with it.
        log.exception("the check %s failed here", check.name)
        return b.failed(OWN_FAULT.format(type(error).__name__), "Report this as a fault of the playground.")
