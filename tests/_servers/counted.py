"""How often the demo gateway was asked for a model: it serves a session and keeps its newest requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

AUTH = {"Authorization": "Bearer demo-key"}


@dataclass(frozen=True, slots=True)
class Mark:
    """The last request that does not count."""

    demo: str
    number: int

    def calls(self, model: str) -> int:
        """How many requests behind the mark named this model."""
        told = _requests(self.demo)
        behind = [row for row in told["data"] if row["number"] > self.number]
        assert len(behind) == told["total"] - self.number, "more requests came than the gateway remembers"
        return sum(row["model"] == model for row in behind)


def mark(demo: str) -> Mark:
    """Count from now on."""
    return Mark(demo, _requests(demo)["total"])


def _requests(demo: str) -> dict[str, Any]:
    told: dict[str, Any] = httpx.get(f"{demo}/demo/requests", headers=AUTH).raise_for_status().json()
    return told
