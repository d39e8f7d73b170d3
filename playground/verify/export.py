"""A run as a file: JSON for people and programs, JUnit for a build."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from playground.verify import changes
from playground.verify.bench import Finding
from playground.verify.models import CheckResult, CheckRun
from playground.verify.table import BY_NAME, Check

State = CheckResult.State
_UNFIT = {code: None for code in range(32) if code not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}


def as_json(run: CheckRun) -> dict[str, Any]:
    """Everything of a certificate but keys."""
    return {
        "run": str(run.pk),
        "key": run.key_label,
        "gateway": run.base_url,
        "state": run.state,
        "begun": CheckRun.Begun(run.begun_by).label,
        "by": str(run.user) if run.user else None,
        "created_at": run.created_at.isoformat(),
        "started_at": _iso(run.started_at),
        "ended_at": _iso(run.ended_at),
        "models": run.chosen,
        "changes": [change.as_json() | {"words": change.words} for change in changes.of(run)],
        "checks": [_row(result) for result in run.results.all()],
    }


def _row(result: CheckResult) -> dict[str, Any]:
    check = BY_NAME.get(result.name)
    told = {
        "model": result.model,
        "at": _iso(result.at),
        "drill": result.drill,
        "first_byte_ms": result.first_ms,
        "total_ms": result.latency_ms,
        "input_tokens": result.input_tokens,
        "output_tokens": result.output_tokens,
        "http_status": result.http_status,
        "error": result.error_kind,
        "task": str(result.task) if result.task else None,
        "evidence": result.evidence,
    }
    return _about(result.name, check) | {"state": result.state, "said": result.said, "fix": result.fix} | told


def found_json(found: Iterable[tuple[Check, Finding]], about: dict[str, Any]) -> dict[str, Any]:
    """The same of findings that no row keeps."""
    return {**about, "checks": [_found(check, finding) for check, finding in found]}


def _found(check: Check, finding: Finding) -> dict[str, Any]:
    return _about(check.name, check) | {
        "state": str(finding.state),
        "said": finding.said,
        "fix": finding.fix,
        "model": finding.model,
        "drill": finding.drill,
        "first_byte_ms": finding.first_ms,
        "total_ms": finding.total_ms,
        "input_tokens": finding.usage.input_tokens,
        "output_tokens": finding.usage.output_tokens,
        "http_status": finding.status,
        "error": finding.error_kind,
        "evidence": finding.evidence,
    }


def _about(name: str, check: Check | None) -> dict[str, Any]:
    if check is None:
        return {"check": name}
    return {
        "check": name,
        "what": check.what,
        "why": check.why,
        "page": check.page,
        "cost": check.cost,
        "family": check.family,
        "capability": check.capability,
    }


def junit(found: Iterable[tuple[Check, Finding]], suite: str) -> str:
    """One test case a check; what cannot be tried counts as skipped."""
    rows = list(found)
    states = [finding.state for _, finding in rows]
    top = ElementTree.Element(
        "testsuite",
        name=suite,
        tests=str(len(rows)),
        failures=str(states.count(State.FAILED)),
        skipped=str(states.count(State.SKIPPED) + states.count(State.IMPOSSIBLE)),
        errors="0",
        time=f"{sum(finding.total_ms or 0 for _, finding in rows) / 1000:.3f}",
    )
    for check, finding in rows:
        seconds = f"{(finding.total_ms or 0) / 1000:.3f}"
        case = ElementTree.SubElement(
            top, "testcase", classname=f"verify.{check.group}", name=check.what, time=seconds
        )
        if finding.state == State.FAILED:
            bad = ElementTree.SubElement(
                case, "failure", message=_xml(finding.said), type=finding.error_kind or "check"
            )
            bad.text = _xml(finding.fix)
        elif finding.state in (State.SKIPPED, State.IMPOSSIBLE):
            ElementTree.SubElement(case, "skipped", message=_xml(finding.said))
    return ElementTree.tostring(top, encoding="unicode", xml_declaration=True)


def _xml(text: str) -> str:
    """Without the characters XML has no way to write."""
    return text.translate(_UNFIT)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
