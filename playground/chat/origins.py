"""Where a question came from, when that is a prompt of the library: what its run records of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.chat.models import Run
from playground.library.models import PromptVersion

# The fields of a run that name its prompt; empty for what was typed freely.
Prompted = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message that goes before a question."""

    role: str
    parts: list[dict[str, Any]]
    text: str


@dataclass(frozen=True, slots=True)
class Origin:
    """A version of a prompt with values, and its messages before the question."""

    version: PromptVersion
    values: dict[str, Any]
    lead: Sequence[Spoken] = ()


def prompt_of(origin: Origin | None) -> Prompted:
    return {"prompt_version": origin.version, "variables": origin.values} if origin else {}


def prompt_behind(**run: Any) -> Prompted:
    """What an earlier run recorded of its prompt, for one that asks the same once more or goes on with it."""
    rows = Run.objects.filter(**run, prompt_version__isnull=False).order_by("-created_at")
    found = rows.values("prompt_version_id", "variables").first()
    return dict(found) if found else {}
