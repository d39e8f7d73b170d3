"""The tries of a run, one after the other, as it keeps them: which model was asked, and what came of it.

{"model", "ms", "status", "error", "request_id"}; `began` when bytes of an answer had come. The try after
which the fallback was asked holds its model as `fallback`, and as `workload` the piece of work. `earlier` is
one of the run before, whose failure this run begins with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.chat.models import Run
from playground.gateway.errors import KINDS, GatewayError


def tried(model: str, ms: int, error: GatewayError | None, request_id: str, *, began: bool) -> dict[str, Any]:
    """One try that is over; without an error it was answered."""
    if error is None:
        return {"model": model, "ms": ms, "status": 200, "error": "", "request_id": request_id}
    told = {"model": model, "ms": ms, "status": error.status, "error": error.kind}
    return told | {"request_id": error.request_id} | ({"began": True} if began else {})


def handed_over(attempt: Mapping[str, Any], run: Run, model: str) -> dict[str, Any]:
    """The failed attempt, saying who is asked next and for which piece of work."""
    version = run.prompt_version
    workload = f"{version.prompt.slug}, version {version.number}" if version is not None else "chat"
    return {**attempt, "model": run.model, "fallback": model, "workload": workload}


def earlier(attempt: Mapping[str, Any]) -> dict[str, Any]:
    """An attempt of a run before, for one that begins with the fallback because of it."""
    return {**attempt, "earlier": True}


def why(attempt: Mapping[str, Any]) -> str:
    """What was wrong with the first model: "The provider is unavailable, HTTP 503"."""
    kind = KINDS.get(str(attempt.get("error")), KINDS["unknown"])
    status = f", HTTP {attempt['status']}" if attempt.get("status") else ""
    return f"{kind.title}{status}"


def note(attempt: Mapping[str, Any]) -> str:
    """What an open page is told while the fallback is asked."""
    return f"{why(attempt)}. Asking {attempt['fallback']}…"
