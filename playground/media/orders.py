"""A filled-in form as a task: checked, written once, and the worker told.

The row comes first, with the form's own id: a double click, a resubmit or a second tab finds it there.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, transaction
from kombu.exceptions import OperationalError

from accounts import keys
from accounts.models import GatewayKey, Team, User
from playground.gateway.assembly import storable
from playground.gateway.errors import GatewayError
from playground.gateway.media.operation import Operation
from playground.library.models import PromptVersion
from playground.media import catalogue, clock, requests, signing, spending
from playground.media.models import LIVE, Asset, MediaTask, Status, TaskEvent, Upload
from playground.ops import catalog
from playground.usage.budgets import OverBudget

log = logging.getLogger(__name__)
TITLE_CHARS, TEXT_CHARS = 120, 20_000
# The extra fields go over the others: the model that was looked at would not be the one that is used.
NAMED_TWICE = "The team key “{}” is for some models only: take model out of the extra fields."
Files = Mapping[str, Sequence[Mapping[str, str]]]


class Refused(Exception):
    """The task cannot be made. `errors`: a sentence for each field; "" stands for the form as a whole."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Order:
    """What a form asks for. `values` as they were typed; `files`: see `MediaTask.inputs`."""

    operation: str
    key_id: uuid.UUID | str
    form_id: uuid.UUID
    values: Mapping[str, Any]
    files: Files = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    source: MediaTask | None = None
    source_output: str = ""
    retry_of: MediaTask | None = None
    prompt_version: PromptVersion | None = None
    variables: Mapping[str, Any] | None = None


def place(order: Order, user: User, team: Team) -> MediaTask:
    """The task of this order; the same one however often it is placed. Raises Refused."""
    if there := MediaTask.objects.filter(user=user, form_id=order.form_id).first():
        return there
    task, operation = _drafted(order, user, team)
    _try(task, operation)
    _check_room(user)
    try:
        with transaction.atomic():
            task.save(force_insert=True)
            TaskEvent.objects.create(task=task, kind=TaskEvent.Kind.CREATED)
            spending.set_aside(task, clock.now())
            transaction.on_commit(lambda: tell_worker(task.pk))
    except OverBudget as error:
        raise Refused({"": str(error)}) from None
    except IntegrityError:
        return MediaTask.objects.get(user=user, form_id=order.form_id)
    return task


def tell_worker(task: uuid.UUID) -> None:
    """Ring the worker's bell. Without a broker the beat finds the row, a second later or when it is back."""
    try:
        current_app.send_task("playground.media.tasks.submit", args=[str(task)], retry=False)
    except (OperationalError, OSError) as error:
        log.warning("the worker was not told of task %s: %s", task, type(error).__name__)


def _drafted(order: Order, user: User, team: Team) -> tuple[MediaTask, Operation]:
    operation = catalogue.chosen(team, order.operation)
    if operation is None:
        raise Refused({"": "This route is not here any more. It was archived, or is another team's."})
    key = _key(order, user, team)
    values, errors = _cleaned(operation, dict(order.values) | _from_source(order, operation))
    errors |= _file_errors(operation, order.files, team)
    if errors:
        raise Refused(errors)
    model = values.get(operation.model_field) if operation.model_field else ""
    if refusal := keys.refusal(key, user, clock.now(), family=operation.family, model=str(model or "")):
        raise Refused({"key": refusal})
    if key.shared and key.allowed_models and "model" in order.extra:
        raise Refused({"key": NAMED_TWICE.format(key.label)})
    task = MediaTask(
        team=team,
        user=user,
        key=key,
        operation=operation.key,
        family=operation.family,
        medium=operation.medium,
        model=str(model or "")[:255],
        inputs={"values": values, "files": _plain(order.files), "extra": dict(order.extra)},
        form_id=order.form_id,
        source=order.source,
        source_output=order.source_output[:200],
        retry_of=order.retry_of,
        prompt_version=order.prompt_version,
        variables=None if order.variables is None else dict(order.variables),
        changed_at=clock.now(),
        **_words(operation, values, order.source),
    )
    return task, operation


def _key(order: Order, user: User, team: Team) -> GatewayKey:
    usable = {str(key.pk): key for key in catalog.usable_keys(user, team)}
    key = usable.get(str(order.key_id))
    if key is None:
        raise Refused({"key": "Choose a key. The one that was chosen is not yours to use, or is gone."})
    return key


def _from_source(order: Order, operation: Operation) -> dict[str, Any]:
    """What an earlier task fills in: its id upstream, the id of the chosen output."""
    if order.source is None:
        return {}
    asset = Asset.objects.filter(task=order.source, key=order.source_output).first()
    outputs: list[dict[str, Any]] = order.source.outputs
    told = next((out for out in outputs if out.get("key") == order.source_output), {})
    output_id = (asset.meta if asset else told.get("meta", {})).get("id", "")
    fills = {"task": order.source.upstream_id, "output": output_id}
    return {name: fills[what] for name, what in operation.takes_result.items() if fills.get(what)}


def _cleaned(operation: Operation, typed: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for spec in operation.fields:
        raw = typed.get(spec.name)
        if raw is None or raw == "":
            if spec.required:
                errors[spec.name] = f"{spec.label} is missing."
            continue
        try:
            values[spec.name] = spec.clean(raw)
        except ValueError as error:
            errors[spec.name] = str(error)
    return values, errors


def _file_errors(operation: Operation, files: Files, team: Team) -> dict[str, str]:
    errors: dict[str, str] = {}
    for spec in operation.files:
        given = files.get(spec.name, ())
        if spec.required and not given:
            errors[spec.name] = f"{spec.label} is missing."
        elif len(given) > spec.many:
            errors[spec.name] = f"{spec.label}: at most {spec.many}."
        else:
            for ref in given:
                if problem := _file_problem(spec.name, operation, ref, team):
                    errors[spec.name] = problem
    return errors


def _file_problem(name: str, operation: Operation, ref: Mapping[str, str], team: Team) -> str:
    spec = next(field for field in operation.files if field.name == name)
    if url := ref.get("url"):
        return "" if url.startswith("https://") else f"{spec.label}: the address has to begin with https://."
    uploads, assets = Upload.objects.filter(team=team), Asset.objects.filter(task__team=team)
    rows: list[Upload | Asset] = [
        *uploads.filter(pk=ref.get("upload") or uuid.UUID(int=0)),
        *assets.filter(pk=ref.get("asset") or uuid.UUID(int=0), status=Asset.Status.KEPT),
    ]
    if not rows:
        return requests.GONE.format(label=spec.label)
    if rows[0].kind != spec.kind:
        return f"{spec.label}: this takes {spec.kind}, and the file is {rows[0].kind}."
    if (rows[0].size or 0) > spec.max_bytes:
        return f"{spec.label}: at most {spec.max_bytes / 2**20:g} MB."
    alive = isinstance(rows[0], Asset) and requests.link_lives(rows[0], clock.now())
    if requests.takes_addresses_only(spec) and not settings.PUBLIC_URL and not alive:
        return requests.NO_ADDRESS.format(label=spec.label)
    return ""


def _plain(files: Files) -> dict[str, list[dict[str, str]]]:
    return {name: [dict(ref) for ref in refs] for name, refs in files.items() if refs}


def _words(operation: Operation, values: Mapping[str, Any], source: MediaTask | None) -> dict[str, str]:
    """The title and what is searched: what a person wrote, the fields they see first to the front. What was
    made of a result alone is called after it: the ids in its form are no words.
    """
    no_words = {operation.model_field, *operation.takes_result}
    written = [spec.name for spec in operation.fields if spec.kind == "text" and spec.name not in no_words]
    first = [name for name in operation.basic if name in written]
    told = [str(values[name]) for name in dict.fromkeys([*first, *written]) if values.get(name)]
    if not told and source is not None and source.title:
        told = [source.title]
    title = " ".join(told[0].split()) if told else operation.label
    if len(title) > TITLE_CHARS:
        title = title[: TITLE_CHARS - 1] + "…"
    return {"title": storable(title), "text": storable("\n".join(told)[:TEXT_CHARS])}


def _try(task: MediaTask, operation: Operation) -> None:
    """Let the codec judge the whole form before anything is kept."""
    try:
        operation.create(requests.trial(task, operation))
    except GatewayError as error:
        known = {spec.name for spec in operation.fields} | {spec.name for spec in operation.files}
        place_of = error.code if error.code in known else ""
        raise Refused({place_of: error.message or error.about.sentence}) from None


def room(user: User) -> int:
    """How many tasks may be begun for the person in the background: a fifth of their places stays free, so
    that they can go on making things meanwhile.
    """
    most = max(1, settings.MAX_TASKS_PER_USER - settings.MAX_TASKS_PER_USER // 5)
    return most - _open_tasks(user)


def _check_room(user: User) -> None:
    if _open_tasks(user) >= settings.MAX_TASKS_PER_USER:
        raise Refused(
            {"": f"You have {settings.MAX_TASKS_PER_USER} tasks under way. Wait until one of them ends."}
        )


def _open_tasks(user: User) -> int:
    watched = MediaTask.objects.filter(user=user, status__in=LIVE, watching=True)
    return watched.exclude(status=Status.COLLECTING).count()


def callback_note(operation: Operation) -> str:
    """What the form says about callbacks; "" where there is nothing to say."""
    asked = operation.family in settings.CALLBACK_FAMILIES
    if not operation.callback_field or not (asked or operation.callback_by_default):
        return ""
    if not asked:
        return "This site does not ask for callbacks here: we ask the gateway regularly instead."
    if signing.callback_url(uuid.UUID(int=0)):
        return "The gateway calls back here when something is ready; we ask it regularly as well."
    return "This site has no public address, so the gateway cannot call back: we ask it regularly instead."
