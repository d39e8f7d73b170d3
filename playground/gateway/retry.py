"""When a request may be sent again by itself, and after how long (contract section 3). Pure.

Only for requests that brought no byte of an answer, and never for creating a task.
"""

from __future__ import annotations

from random import Random

from playground.gateway.errors import GatewayError

MOST_RETRIES = 2
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
# A longer pause is shown to the person instead of being sat out.
LONGEST_TOLD_WAIT_S = 120.0
_STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
# The request was not sent yet; a timeout later may already have cost something.
_UNSENT = frozenset({"connect_timeout", "pool_timeout"})


def next_wait(error: GatewayError, attempt: int, rng: Random) -> float | None:
    """Seconds to wait before the next try; None: do not try again. `attempt` is 1 for the first try."""
    told = error.retry_after_s
    if attempt > MOST_RETRIES or not _worth_it(error) or (told is not None and told > LONGEST_TOLD_WAIT_S):
        return None
    if told:
        return told
    wait: float = min(FIRST_WAIT_S * 2 ** (attempt - 1), LONGEST_WAIT_S)
    return wait * (1 - 0.25 * rng.random())


def _worth_it(error: GatewayError) -> bool:
    if error.should_retry is not None:
        return error.should_retry and error.about.retryable
    if not error.about.auto_retry:
        return False
    if error.status is not None:
        return error.status in _STATUSES
    return error.kind == "network" or error.code in _UNSENT


# Wrong before anything was sent, whichever model is asked.
_OURS = frozenset({"bad_address", "local_protocol"})
_LASTING = frozenset({501, 505})


def passes(kind: str, status: int | None, code: str) -> bool:
    """Whether a failure is a passing fault of the gateway or the provider, where another model may help.

    Never what is wrong with the request, the key or its balance, and no refusal or limit of rate: those hold
    for another model too, or are somebody's decision (contract section 3, "may be retried automatically").
    """
    if kind not in ("upstream_unavailable", "timeout", "network"):
        return False
    if status is None:
        return code not in _OURS
    return status == 408 or (status >= 500 and status not in _LASTING)
