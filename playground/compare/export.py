"""A comparison as a Markdown document, to be kept or sent on. Keys that somebody pasted are hidden."""

from __future__ import annotations

from typing import Any

from playground.chat.markdown import fenced
from playground.chat.models import Run
from playground.chat.templatetags.chat import about
from playground.compare.screen import Cell
from playground.gateway.redaction import redact


def markdown(told: dict[str, Any]) -> str:
    """Of what `screen.of_conversation` gives: questions, answers, and the figures of the last ones."""
    parts = [f"# {_line(str(told['conversation']))}\n"]
    for number, each in enumerate(told["rounds"], 1):
        parts.append(f"## Question {number}\n\n{fenced(redact(each.asked.turn.text))}\n")
        parts += [_answer(cell) for cell in each.cells]
    return "\n".join([*parts, *_figures(told)])


def _answer(cell: Cell) -> str:
    lane, run, text = cell.lane, cell.shown.run, cell.shown.turn.text
    best = ", the best" if cell.best and cell.last else ""
    heading = f"### {_line(lane.name)}{best}\n"
    state = "" if run is None or run.status == Run.Status.FINISHED else f"\n{_state(run)}\n"
    return f"{heading}{state}\n{fenced(redact(text))}\n" if text else f"{heading}{state}"


def _state(run: Run) -> str:
    return about(run).title if run.status == Run.Status.FAILED else run.get_status_display()


def _figures(told: dict[str, Any]) -> list[str]:
    if not told["figures"]:
        return []
    names = [_cell(lane.name) for lane in told["lanes"]]
    rows = [[row.label, *(cell.text for cell in row.cells)] for row in told["figures"]]
    lines = [["", *names], ["---", *("---:" for _ in names)], *rows]
    return ["## Figures of the last answers\n", *(f"| {' | '.join(line)} |" for line in lines), ""]


def _line(text: str) -> str:
    return " ".join(redact(text).split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
