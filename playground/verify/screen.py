"""What the pages of Verify show: rows by group, what was found last, and certificates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from accounts import access
from accounts.models import GatewayKey, Role, Team, User
from playground.gateway.wire import FAMILIES
from playground.ops import catalog
from playground.ops.models import ModelEntry
from playground.verify import changes, setups
from playground.verify.models import CheckResult, CheckRun, Setup
from playground.verify.table import BY_NAME, CHECKS, COSTS, Check

State = CheckResult.State
Request = access.Request
LOOKS = {
    State.WAITING: "queued",
    State.RUNNING: "running",
    State.PASSED: "ok",
    State.FAILED: "failed",
    State.SKIPPED: "off",
    State.IMPOSSIBLE: "off",
}
RUN_LOOKS = {
    CheckRun.State.QUEUED: ("queued", "Waiting for the worker"),
    CheckRun.State.RUNNING: ("running", "Running"),
    CheckRun.State.PASSED: ("ok", "Nothing failed"),
    CheckRun.State.FAILED: ("failed", "Something failed"),
    CheckRun.State.STOPPED: ("stopped", "Stopped"),
    CheckRun.State.INTERRUPTED: ("interrupted", "Interrupted"),
}
MOST_OPTIONS = 300
CERTIFICATES = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A check as a page shows it; `result` is None where it was never run with this key."""

    check: Check
    result: CheckResult | None = None
    changed: str = ""

    @property
    def look(self) -> str:
        return LOOKS[State(self.result.state)] if self.result else "off"

    @property
    def word(self) -> str:
        return State(self.result.state).label if self.result else "Never run"

    @property
    def cost(self) -> str:
        return COSTS[self.check.cost]

    @property
    def anchor(self) -> str:
        return "check-" + self.check.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    rows: list[Row]

    @property
    def anchor(self) -> str:
        return "group-" + self.title.lower().replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows stand how."""

    passed: int
    failed: int
    skipped: int
    impossible: int
    left: int

    @staticmethod
    def of(states: Iterable[str]) -> Counts:
        told = list(states)
        return Counts(
            told.count(State.PASSED),
            told.count(State.FAILED),
            told.count(State.SKIPPED),
            told.count(State.IMPOSSIBLE),
            sum(told.count(state) for state in CheckResult.LIVE),
        )

    @property
    def all(self) -> int:
        return self.passed + self.failed + self.skipped + self.impossible + self.left

    @property
    def words(self) -> str:
        parts = (
            (self.passed, "passed"),
            (self.failed, "failed"),
            (self.impossible, "not possible here"),
            (self.skipped, "skipped"),
            (self.left, "to come"),
        )
        return ", ".join(f"{count} {word}" for count, word in parts if count) or "nothing yet"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A run in a list."""

    run: CheckRun
    counts: Counts

    @property
    def look(self) -> str:
        return RUN_LOOKS[CheckRun.State(self.run.state)][0]

    @property
    def word(self) -> str:
        if self.run.state == CheckRun.State.PASSED and self.counts.passed == self.counts.all:
            return "Everything passed"
        return RUN_LOOKS[CheckRun.State(self.run.state)][1]

    @property
    def changes(self) -> list[changes.Change]:
        return changes.of(self.run)


def groups(rows: Iterable[Row]) -> list[Group]:
    return [Group(title, list(own)) for title, own in groupby(rows, key=lambda row: row.check.group)]


def rows_of(run: CheckRun) -> list[Row]:
    """The rows of a run in their order; a check that a later version took away is left out."""
    told = {change.name: change.verb.capitalize() for change in changes.of(run)}
    results = run.results.defer("evidence")
    return [
        Row(BY_NAME[result.name], result, told.get(result.name, ""))
        for result in results
        if result.name in BY_NAME
    ]


def overview(user: User, key: GatewayKey) -> list[Row]:
    """Every check with what was found last with this key, as far as the person may know."""
    newest: dict[str, CheckResult] = {}
    seen = CheckRun.objects.filter(CheckRun.visible_to(user), key=key).order_by("-created_at")
    runs = list(seen.values_list("pk", flat=True)[:CERTIFICATES])
    order = {pk: place for place, pk in enumerate(runs)}
    results = CheckResult.objects.filter(run__in=runs).exclude(state=State.SKIPPED).defer("evidence")
    for result in sorted(results, key=lambda result: order[result.run_id]):
        newest.setdefault(result.name, result)
    return [Row(check, newest.get(check.name)) for check in CHECKS]


def certificates(request: Request, key: GatewayKey | None) -> list[Certificate]:
    """The newest runs that the person may see, of one key or of all."""
    runs = access.visible(CheckRun, request).select_related("user")
    if key is not None:
        runs = runs.filter(key=key)
    shown = list(runs.order_by("-created_at")[:CERTIFICATES])
    states: dict[Any, list[str]] = {run.pk: [] for run in shown}
    for pk, state in CheckResult.objects.filter(run__in=shown).values_list("run_id", "state"):
        states[pk].append(state)
    return [Certificate(run, Counts.of(states[run.pk])) for run in shown]


def certificate(run: CheckRun, rows: Iterable[Row]) -> Certificate:
    return Certificate(run, Counts.of(row.result.state for row in rows if row.result))


def before(run: CheckRun, user: User) -> CheckRun | None:
    """The last earlier run with the same key that came to its end."""
    if run.key_id is None:
        return None
    rows = CheckRun.objects.filter(CheckRun.visible_to(user), key=run.key_id, state__in=CheckRun.TOLD)
    return rows.filter(created_at__lt=run.created_at).order_by("-created_at").first()


def notices(request: Request) -> list[Certificate]:
    """Weekly checks that found something changed, until somebody has looked."""
    runs = access.visible(CheckRun, request).filter(notice=True).order_by("-created_at")
    return [Certificate(run, Counts.of(())) for run in runs[:5]]


def keys_for(user: User, team: Team) -> list[GatewayKey]:
    return catalog.usable_keys(user, team)


@dataclass(frozen=True, slots=True)
class Choice:
    """A model field of the form."""

    name: str
    label: str
    model: str
    options: str


def choices(chosen: Mapping[str, str]) -> list[Choice]:
    rows = [
        Choice(f"model-{family.key}", family.label, chosen.get(family.key, ""), f"list-{family.models}")
        for family in FAMILIES.values()
    ]
    for name, label in (
        (setups.FALLBACK, "Fallback of OpenAI chat"),
        (setups.THINKING, "Thinking over OpenAI chat"),
    ):
        rows.append(Choice(f"model-{name}", label, chosen.get(name, ""), "list-openai_chat"))
    return rows


def options(key: GatewayKey) -> dict[str, list[str]]:
    """The ids a field suggests, by the list it is about."""
    found: dict[str, list[str]] = {}
    for family in dict.fromkeys(each.models for each in FAMILIES.values()):
        rows = ModelEntry.objects.filter(key=key, family=family, gone_at=None).order_by("pk")
        found[f"list-{family}"] = list(rows.values_list("model_id", flat=True)[:MOST_OPTIONS])
    return found


def may_work(request: Request) -> bool:
    return bool(request.role >= Role.MEMBER)


def setup_words(setup: Setup) -> str:
    return str(setup.user) if setup.user is not None else "somebody who left"
