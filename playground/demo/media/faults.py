"""What may be asked to go wrong with a media route: by a word in the model's name or in the prompt.

Words of different kinds may stand together ("a boat demo-poll-429 demo-asset-cut"); docs/demo-media.md
lists them.
"""

import re
from dataclasses import dataclass, replace

from playground.demo.faults import CATALOGUE, Fault

ALWAYS = 1_000_000_000

# Before anything is taken: what the chat's models of the same name do too.
_CREATE = {
    fault.model_id: fault
    for fault in CATALOGUE
    if fault.kind.startswith("error-4")
    or fault.kind.startswith("error-5")
    or fault.kind in ("hang", "redirect", "echo-key", "flaky")
}
# In the family's own words.
_REFUSALS = {
    "demo-refused": "content",
    "demo-refusal": "content",
    "demo-content-filter": "content",
    "demo-busy": "busy",
}
# The task is taken (or the work done), and the answer that says so does not arrive.
_LOST = ("hang", "cut", "reset", "500", "html", "garbage")
_POLL = ("401", "403", "404", "429", "500", "503", "html", "garbage", "cut", "hang")
_ENDINGS = {
    "demo-fails": "failed",
    "demo-fails-content": "refused",
    "demo-cancelled": "cancelled",
    "demo-never-ends": "endless",
    "demo-gone": "gone",
    "demo-odd-state": "odd",
    "demo-no-output": "empty",
    "demo-late-output": "late",
    "demo-partial": "partial",
}
_ASSETS = (
    *("private", "private-url", "redirect", "loop", "404", "503", "expired"),
    *("html", "svg", "untyped", "cut", "cut-always", "stall", "slow", "hang", "huge", "endless"),
)
_FIRST_POLLS = 2


@dataclass(frozen=True, slots=True)
class Faults:
    """At most one fault of each kind; empty words for none.

    `poll` happens to the first `polls` queries. `slow` makes a task take ten times as long.
    """

    create: Fault | None = None
    refusal: str = ""
    lost: str = ""
    poll: str = ""
    polls: int = 0
    ending: str = ""
    asset: str = ""
    slow: bool = False


def read(model: str, prompt: str) -> Faults:
    """The faults that the model's name and the prompt ask for; of two of a kind the first."""
    found = Faults()
    for word in re.findall(r"(?<![\w-])demo-[a-z0-9]+(?:-[a-z0-9]+)*", f"{model} {prompt[:5000]}"):
        found = _with(found, word)
    return found


def is_fault(model: str) -> bool:
    return read(model, "") != Faults()


def _with(found: Faults, word: str) -> Faults:
    if word in _CREATE and not found.create:
        return replace(found, create=_CREATE[word])
    if word in _REFUSALS and not found.refusal:
        return replace(found, refusal=_REFUSALS[word])
    if word in _ENDINGS and not found.ending:
        return replace(found, ending=_ENDINGS[word])
    if word == "demo-slow":
        return replace(found, slow=True)
    match = re.fullmatch(r"demo-(lost|poll|asset)-(.+)", word)
    return _with_part(found, match[1], match[2]) if match else found


def _with_part(found: Faults, part: str, kind: str) -> Faults:
    if part == "lost" and kind in _LOST and not found.lost:
        return replace(found, lost=kind)
    if part == "asset" and kind in _ASSETS and not found.asset:
        return replace(found, asset=kind)
    match = re.fullmatch(r"([a-z0-9]+)(?:-(always|\d{1,6}))?", kind)
    if part == "poll" and match and match[1] in _POLL and not found.poll:
        polls = ALWAYS if match[2] == "always" else int(match[2] or _FIRST_POLLS)
        return replace(found, poll=match[1], polls=polls)
    return found


WORDS: tuple[str, ...] = (
    *_CREATE,
    *_REFUSALS,
    *(f"demo-lost-{kind}" for kind in _LOST),
    *(f"demo-poll-{kind}" for kind in _POLL),
    *_ENDINGS,
    "demo-slow",
    *(f"demo-asset-{kind}" for kind in _ASSETS),
)
"""Every word, in the order of the documentation."""
