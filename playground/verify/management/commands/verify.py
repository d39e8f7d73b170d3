"""Run the integration checklist in a terminal or a CI job; the exit code says how it ended."""

from __future__ import annotations

import json
import os
import signal
import sys
import uuid
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils import timezone

from accounts.models import GatewayKey
from accounts.vault import Secret
from playground.gateway import catalog
from playground.gateway.errors import GatewayError
from playground.gateway.redaction import remember
from playground.gateway.transport import Transport
from playground.gateway.wire import FAMILIES
from playground.media import worker as media_worker
from playground.ops import catalog as lists
from playground.ops.models import ModelEntry
from playground.verify import engine, export, runs, setups
from playground.verify.bench import Bench, Finding, Stopped, Subject
from playground.verify.models import CheckResult, CheckRun
from playground.verify.table import CHECKS, Check, named

MARKS = {"passed": "ok", "failed": "FAILED", "skipped": "skipped", "impossible": "not possible here"}
FAILED, STOPPED = 1, 130


class Terminal:
    """Tells of each check in a line, and remembers it."""

    def __init__(self, command: BaseCommand) -> None:
        self.rows: list[tuple[Check, Finding]] = []
        self._out = command.stdout

    def begins(self, check: Check, model: str) -> None:
        """A line is written when there is something to say."""

    def found(self, check: Check, finding: Finding) -> None:
        self.rows.append((check, finding))
        took = f" ({finding.total_ms} ms)" if finding.total_ms is not None else ""
        drill = " [fault drill]" if finding.drill else ""
        self._out.write(f"{MARKS[finding.state]:<18} {check.name}{drill}: {finding.said}{took}")
        if finding.fix:
            self._out.write(f"{'':<18} → {finding.fix}")

    @property
    def failed(self) -> int:
        return sum(finding.state == CheckResult.State.FAILED for _, finding in self.rows)


class Command(BaseCommand):
    help = "Run AnyInt's integration checklist against a key. The exit code is 1 when a check fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--key", help="id or name of a key kept here; without it ANYINT_API_KEY is used")
        parser.add_argument(
            "--url", help="gateway address for ANYINT_API_KEY; the first of GATEWAY_URLS unless told"
        )
        parser.add_argument("--only", nargs="+", metavar="CHECK", help="names of checks, or their beginnings")
        parser.add_argument("--free", action="store_true", help="only checks that cost nothing")
        parser.add_argument("--paid", action="store_true", help="media tasks too: they are charged")
        parser.add_argument(
            "--model", action="append", default=[], metavar="FAMILY=ID", help="a model to ask"
        )
        parser.add_argument("--junit", type=Path, metavar="FILE")
        parser.add_argument("--json", type=Path, metavar="FILE")
        parser.add_argument("--list", action="store_true", help="list the checks and end")

    def handle(self, **options: Any) -> None:
        if options["list"]:
            for check in CHECKS:
                self.stdout.write(f"{check.name:<26} {check.cost:<6} {check.what}")
            return
        checks = _wanted(options)
        terminal = Terminal(self)
        about, stopped = self._run(checks, options, terminal)
        self._write(options, terminal, about)
        words = f"{len(terminal.rows) - terminal.failed} of {len(terminal.rows)} checks without a failure."
        self.stdout.write(words)
        if stopped:
            sys.exit(STOPPED)
        if terminal.failed:
            sys.exit(FAILED)

    def _run(
        self, checks: list[Check], options: dict[str, Any], terminal: Terminal
    ) -> tuple[dict[str, Any], bool]:
        models = _models(options["model"])
        if options["key"]:
            return self._kept(_key(options["key"]), checks, models, terminal)
        secret = os.environ.get(settings.ENV_KEY_NAME, "").strip()
        if not secret:
            raise CommandError(f"Name a key with --key, or set {settings.ENV_KEY_NAME}.")
        return _unkept(secret, options["url"] or settings.GATEWAY_URLS[0], checks, models, terminal)

    def _kept(
        self, key: GatewayKey, checks: list[Check], models: dict[str, str], terminal: Terminal
    ) -> tuple[dict[str, Any], bool]:
        """A run like any other: it is on the page Verify, and stops when it is stopped there."""
        owner, chosen = uuid.uuid4().hex, setups.chosen(key) | models
        by = CheckRun.Begun.COMMAND
        try:
            begun = runs.begin(key.owner, key.team, key, checks, chosen, begun_by=by, owner=owner)
        except runs.Refused as error:
            raise CommandError(str(error)) from None
        if any(check.cost == "paid" for check in checks):
            # Without a worker nobody would move the tasks; with one, leases keep the two apart.
            media_worker.ring()
        interrupted = _Interrupt()
        runs.drive(begun.pk, owner, ending=interrupted.asked, sink=terminal)
        begun.refresh_from_db()
        return export.as_json(begun), begun.state in (CheckRun.State.STOPPED, CheckRun.State.INTERRUPTED)

    def _write(self, options: dict[str, Any], terminal: Terminal, about: dict[str, Any]) -> None:
        if path := options["junit"]:
            path.write_text(export.junit(terminal.rows, "AnyInt integration"), encoding="utf-8")
        if path := options["json"]:
            path.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


class _Interrupt:
    """Ctrl-C and SIGTERM end the run in order, so that it is told as interrupted."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def asked(self) -> bool:
        return self._asked

    def pulse(self) -> None:
        if self._asked:
            raise Stopped

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = True


def _unkept(
    secret: str, url: str, checks: list[Check], models: dict[str, str], terminal: Terminal
) -> tuple[dict[str, Any], bool]:
    """A key from the environment: nothing of it is kept here."""
    remember(secret)
    if url not in settings.GATEWAY_URLS:
        raise CommandError(f"{url} is not one of GATEWAY_URLS: {', '.join(settings.GATEWAY_URLS)}")
    chosen = _suggested(secret, url) | models
    subject = Subject(settings.ENV_KEY_NAME, url, Secret(secret), chosen)
    about = {"key": settings.ENV_KEY_NAME, "gateway": url, "created_at": timezone.now().isoformat()}
    interrupted, stopped = _Interrupt(), False
    names = tuple(check.name for check in checks)
    try:
        with Bench(subject, pulse=interrupted.pulse, names=names) as bench:
            engine.work_through(checks, bench, terminal)
    except Stopped:
        stopped = True
    return export.found_json(terminal.rows, about | {"models": chosen}), stopped


def _suggested(secret: str, url: str) -> dict[str, str]:
    """Models for each family from the gateway's own lists; none where a list does not come."""
    transport = Transport()
    chosen: dict[str, str] = {}
    try:
        for family in FAMILIES.values():
            try:
                found = catalog.list_models(family.models, lambda wire: transport.send(wire, url, secret))
            except GatewayError:
                continue
            entries = [ModelEntry(model_id=model.model_id) for model in found]
            chosen[family.key] = lists.choose_model(entries)
            if family.key == "openai_chat":
                others = [entry for entry in entries if entry.model_id != chosen[family.key]]
                chosen[setups.FALLBACK] = lists.choose_model(others)
                chosen[setups.THINKING] = setups.thinker(entries)
    finally:
        transport.close()
    return chosen


def _wanted(options: dict[str, Any]) -> list[Check]:
    checks = [check for check in CHECKS if options["paid"] or check.cost != "paid"]
    if only := options["only"]:
        checks = [check for check in CHECKS if any(_is(check.name, name) for name in only)]
        if unknown := [name for name in only if not any(_is(check.name, name) for check in CHECKS)]:
            raise CommandError(f"There is no check {', '.join(unknown)}. --list tells which there are.")
        if not options["paid"] and any(check.cost == "paid" for check in checks):
            raise CommandError("These checks make media tasks, which are charged: say --paid as well.")
    if options["free"]:
        checks = [check for check in checks if check.cost == "free"]
    return named(check.name for check in checks)


def _is(name: str, asked: str) -> bool:
    return name == asked or name.startswith(f"{asked}.")


def _models(typed: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in typed]
    if bad := [name for name, sign, model in pairs if not sign or not model]:
        raise CommandError(f"--model takes FAMILY=ID, not {bad[0]!r}.")
    return {name: model for name, _, model in pairs}


def _key(asked: str) -> GatewayKey:
    rows = GatewayKey.objects.select_related("team", "owner")
    try:
        key = rows.filter(pk=asked).first()
    except ValidationError:
        key = None
    found = [key] if key else list(rows.filter(Q(label=asked), revoked_at=None))
    if not found:
        raise CommandError(f"There is no key {asked!r}.")
    if len(found) > 1:
        told = ", ".join(f"{each.pk} ({each.team})" for each in found)
        raise CommandError(f"Several keys have this name, choose one by its id: {told}")
    return found[0]
