"""The figures of the answers to one question, side by side, with the best of each row marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from playground.chat.models import Conversation, Run
from playground.chat.templatetags.chat import tokens_per_second
from playground.templatetags.frame import duration, tokens
from playground.usage import prices

Best = Callable[[set[Any]], Any]


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    best: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    cells: list[Cell]


def of(conversation: Conversation, runs: Sequence[Run | None]) -> list[Row]:
    """One cell for each lane; what was not told is said so and is never the best."""
    costs, currency = _costs(conversation, runs), prices.currency(conversation.team_id)
    return [
        _row("First token", runs, lambda run: run.first_token_ms, duration),
        _row("Whole answer", runs, lambda run: run.duration_ms, duration),
        _row("Tokens a second", runs, _pace, lambda pace: f"{pace:,.1f}", best=max),
        _row("Tokens in", runs, lambda run: run.input_tokens, tokens, best=None),
        _row("Tokens out", runs, lambda run: run.output_tokens, tokens, best=None),
        _marked("Cost", costs, lambda cost: str(prices.Money(cost, currency)), "unknown"),
    ]


def _row(
    label: str,
    runs: Sequence[Run | None],
    value: Callable[[Run], Any],
    shown: Callable[[Any], str],
    *,
    best: Best | None = min,
) -> Row:
    done = Run.Status.FINISHED
    values = [value(run) if run is not None and run.status == done else None for run in runs]
    return _marked(label, values, shown, "not told", best=best)


def _marked(
    label: str,
    values: Sequence[Any],
    shown: Callable[[Any], str],
    unknown: str,
    *,
    best: Best | None = min,
) -> Row:
    known = {value for value in values if value is not None}
    first = best(known) if best and len(known) > 1 else None
    cells = [Cell(unknown) if value is None else Cell(shown(value), value == first) for value in values]
    return Row(label, cells)


def _pace(run: Run) -> float | None:
    told = tokens_per_second(run).replace(",", "")
    return None if told == "not told" else float(told)


def _costs(conversation: Conversation, runs: Sequence[Run | None]) -> list[Decimal | None]:
    known = prices.of_team(conversation.team_id)

    def cost(run: Run | None) -> Decimal | None:
        if run is None or run.status != Run.Status.FINISHED:
            return None
        used = prices.Used(run.input_tokens, run.output_tokens, run.cache_read_tokens, run.cache_write_tokens)
        return known.cost(run.family, run.answered_by, run.created_at, used)

    return [cost(run) for run in runs]
