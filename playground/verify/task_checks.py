"""Checks of media tasks: one of each family, ordered as the studio does it and followed to its end in Tasks.

All of a run are ordered together, so that they are made beside each other.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from playground.gateway.errors import KINDS
from playground.gateway.media.registry import OPERATIONS
from playground.media import offers, orders
from playground.media.cards import state_of
from playground.media.machine import UNCAPTURED
from playground.media.models import Asset, MediaTask, Status
from playground.verify import bench as b
from playground.verify.bench import WHO, Bench, Finding

PREFIX = "task."
# The namespace of a run's form ids: the same order of the same run is one task, however often it is placed.
FORMS = uuid.UUID("9f1c4c0e-6a53-4d0c-9a43-6d0e3f0f6a10")
NO_ROW = "A task is kept in Tasks, which takes a key that was added in the playground."


@dataclass(frozen=True, slots=True)
class Sample:
    """What a family is asked to make: small, and the same each time."""

    operation: str
    made: str
    values: Mapping[str, Any] = field(default_factory=dict)


SAMPLES = {
    "dashscope": Sample(
        "dashscope.video",
        "A film of 3 seconds at 720P, without sound.",
        {
            "input.prompt": "A paper boat on calm water, soft light.",
            "parameters.resolution": "720P",
            "parameters.duration": 3,
            "parameters.audio": False,
        },
    ),
    "kling": Sample("kling.image", "One picture.", {"prompt": "A paper boat on calm water, soft light."}),
    "suno": Sample(
        "suno.generate-lyrics", "The words of a song.", {"prompt": "A short song about a paper boat"}
    ),
    "openai": Sample(
        "openai.videos",
        "A film of 5 seconds.",
        {"prompt": "A paper boat on calm water, soft light.", "duration": 5},
    ),
}


def task(bench: Bench, family: str) -> Finding:
    """Ordered, polled to its end, and its files kept here."""
    if bench.subject.key is None:
        return b.impossible(NO_ROW)
    if not bench.tasks:
        _order_all(bench)
    made = bench.tasks.get(family)
    if made is None or isinstance(made, str):
        return b.failed(
            f"The task could not be ordered: {made or 'not asked for'}", "Read why, and mend that."
        )
    began = time.monotonic()
    while made.live and made.held_at is None and time.monotonic() - began < bench.task_patience_s:
        bench.rest()
        made.refresh_from_db()
    found = _ended(made)
    found.task, found.model = made.pk, made.model
    found.first_ms, found.total_ms = _ms(made, made.first_output_at), _ms(made, made.ended_at)
    bench.show("Task", _facts(made))
    return found


def model_for(operation: str, bench: Bench) -> str:
    """The model chosen for an operation, else the one the studio begins with; "" where there is none."""
    subject, route = bench.subject, OPERATIONS[operation]
    if not route.model_field or subject.team is None:
        return ""
    return subject.model_for(operation) or offers.of(route, subject.team, subject.key).begin


def _order_all(bench: Bench) -> None:
    for family in SAMPLES:
        if f"{PREFIX}{family}" in bench.names:
            bench.tasks[family] = _order(bench, family)


def _order(bench: Bench, family: str) -> MediaTask | str:
    subject, sample = bench.subject, SAMPLES[family]
    assert subject.key is not None and subject.user is not None and subject.team is not None
    values = dict(sample.values)
    if model := model_for(sample.operation, bench):
        values[OPERATIONS[sample.operation].model_field] = model
    form = uuid.uuid5(FORMS, f"{bench.run} {family}")
    order = orders.Order(operation=sample.operation, key_id=subject.key.pk, form_id=form, values=values)
    try:
        return orders.place(order, subject.user, subject.team)
    except orders.Refused as error:
        return str(error)


def _ended(made: MediaTask) -> Finding:
    kept = list(Asset.objects.filter(task=made))
    state = state_of(made, kept)
    if made.status == Status.SUCCEEDED and state.look == "finished":
        files = sum(asset.status == Asset.Status.KEPT for asset in kept)
        count = "1 result is" if files == 1 else f"{files} results are"
        return b.passed(f"Ready after {_polls(made)}; {count} kept here.")
    if made.live and made.held_at is None:
        return b.failed("It did not end in the time a check waits.", "It goes on in Tasks: look there later.")
    about = KINDS.get(made.error_kind) if made.status == Status.FAILED and not _uncopied(made) else None
    status = f"HTTP {made.http_status}: " if made.http_status else ""
    told = f"The gateway says: “{made.error_message}”" if about and made.error_message else state.hint
    fix = f"{about.sentence} {WHO[about.who]}".strip() if about else _advice(made)
    found = b.failed(f"{status}{state.word}. {told}".strip(), fix)
    found.status, found.error_kind = made.http_status, made.error_kind
    return found


def _advice(made: MediaTask) -> str:
    """For ends that are no refusal: what is known of the task decides."""
    if made.held_at is not None:
        return "It goes on by itself once the key works again: look at the key in Settings."
    if made.status == Status.UNCONFIRMED:
        return "Ask the gateway in Tasks whether it was taken, before anything is ordered once more."
    if made.status == Status.SUCCEEDED or _uncopied(made):
        return "The file was made and charged. Try the copy again in Tasks before the gateway's link ends."
    return "Open the task in Tasks and read its story."


def _uncopied(made: MediaTask) -> bool:
    return made.error_code == UNCAPTURED


def _polls(made: MediaTask) -> str:
    return "1 query" if made.polls == 1 else f"{made.polls} queries"


def _ms(made: MediaTask, at: Any) -> int | None:
    begin = made.submitted_at or made.created_at
    return max(0, round((at - begin).total_seconds() * 1000)) if at else None


def _facts(made: MediaTask) -> str:
    lines = {
        "operation": made.operation,
        "model": made.model,
        "status": made.status,
        "status upstream": made.raw_status,
        "id upstream": made.upstream_id,
        "queries": made.polls,
        "message": made.error_message,
        "seen": f"{timezone.now():%Y-%m-%d %H:%M:%S} UTC",
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items() if value not in ("", None))
