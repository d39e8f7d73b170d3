"""Whether the fallback takes over: it is asked exactly what the first choice is asked and takes."""

from __future__ import annotations

from playground.verify import bench as b
from playground.verify.bench import Bench, Finding
from playground.verify.chat_checks import REPLY_TRIAL, TRIALS, Trial, tried

CHOOSE = "Choose another model as the fallback."
LESS = "Choose another model as the fallback, or do not rely on it for this."


def fallback(bench: Bench, family: str) -> Finding:
    """Both are open to the account, and the fallback does with the same requests what the first choice does.

    What the first choice itself does not do, no fallback has to.
    """
    first, other = bench.subject.model_for(family), bench.subject.model_for("fallback")
    if not other:
        return b.skipped("No fallback model is chosen: choose one above to check the pair.")
    if other == first:
        return b.failed("The fallback is the first choice itself.", CHOOSE)
    same: list[str] = []
    less: list[str] = []
    for trial in TRIALS:
        wanted = _asked(bench, family, trial, first)
        if wanted.state != b.State.PASSED:
            if trial is REPLY_TRIAL:
                return wanted
            continue
        found = _asked(bench, family, trial, other)
        if found.state == b.State.PASSED:
            same.append(trial.what)
        elif trial is REPLY_TRIAL:
            return found
        else:
            less.append(f"{trial.what} ({found.said})")
    return _judged(found, first, other, same, less)


def _asked(bench: Bench, family: str, trial: Trial, model: str) -> Finding:
    asked, found = tried(bench, family, trial, model)
    if found.state != b.State.PASSED and trial is REPLY_TRIAL:
        how = "did not answer" if asked.failure is not None else "did not answer as it was asked to"
        found.said = f"{model} {how}. {found.said}"
    return found


def _judged(last: Finding, first: str, other: str, same: list[str], less: list[str]) -> Finding:
    """`last` is how the fallback was asked last, with what was measured of it."""
    if less:
        words = f"{other} does not do what {first} does with the same request: {'; '.join(less)}."
        return _measured(b.failed(words, LESS), last)
    return _measured(
        b.passed(f"{first} and {other} both answered the same requests: {', '.join(same)}."), last
    )


def _measured(found: Finding, last: Finding) -> Finding:
    found.first_ms, found.total_ms, found.usage = last.first_ms, last.total_ms, last.usage
    found.status, found.error_kind = last.status, last.error_kind
    return found
