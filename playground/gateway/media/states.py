"""What the routes call the states of a task, and of what kind a failed task's error is.

Contract section 14. One table for all: no family uses a word that means something else in another, and
a gateway in between may put its own words in place of the family's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from playground.gateway import errors
from playground.gateway.media.observation import State

_SPELLINGS: dict[State, str] = {
    "pending": "pending queued queueing submitted suspended created waiting scheduled not_start not_started "
    "preparing validating",
    "running": "running processing in_progress inprogress generating started finalizing cancelling canceling",
    "succeeded": "succeeded succeed success successful completed complete finished done",
    "failed": "failed fail failure error errored expired rejected",
    "cancelled": "cancelled canceled",
    "unknown": "unknown",
}
STATES: dict[str, State] = {word: state for state, words in _SPELLINGS.items() for word in words.split()}
ENDED_BADLY: frozenset[State] = frozenset({"failed", "cancelled"})

# A failed task tells its reason in a sentence, often without a code.
_ABOUT_CONTENT = re.compile(
    r"(?i)content (?:rule|polic|secur|safe|moderat|risk|review)|risk control|moderation|inappropriate content"
    r"|sensitive (?:word|content)|safety (?:system|filter|polic)"
)


def normal(word: str) -> str:
    return re.sub(r"[\s-]+", "_", word.strip().lower())


def state_of(word: str, more: Mapping[str, State] | None = None) -> State:
    """The state that a word of the gateway stands for. `more`: normal words that go first."""
    spelled = normal(word)
    return (more or {}).get(spelled) or STATES.get(spelled, "unknown")


def failure_kind(code: Any, message: str) -> str:
    """The key of `errors.KINDS` for what a failed task says about itself."""
    kind = errors.from_error_object({"code": code, "message": message}).kind
    return "content_policy" if kind == "unknown" and _ABOUT_CONTENT.search(message) else kind
