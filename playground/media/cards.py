"""A task as people see it: its state in words and whose move it is, and what there is to look at or hear."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.gateway.errors import KINDS
from playground.gateway.media.fields import COUNTS
from playground.gateway.media.operation import Operation
from playground.media import catalogue
from playground.media.machine import PARTIAL, UNCAPTURED
from playground.media.models import Asset, MediaTask, Status

CHARGED = "The gateway may have started and charged this. It is never sent again by itself."
WHO = {
    "you": "Your move.",
    "key owner": "The move of the key's owner.",
    "gateway": "The gateway's move.",
    "nobody": "",
}
WAVE_WIDTH, WAVE_HEIGHT = 200, 32
MOST_PLACES = 16


@dataclass(frozen=True, slots=True)
class State:
    """`look` is a name of the frame's statuses; `hint` what happened and whose move it is."""

    look: str
    word: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """`head` is what stands above the line it begins, such as [Chorus]; `begins` a new line."""

    text: str
    start_s: float
    end_s: float
    begins: bool = False
    head: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One output: kept here, on its way, or told of only."""

    kind: str
    key: str
    title: str
    asset: Asset | None
    text: str = ""
    final: bool = True
    lyrics: tuple[Word, ...] = ()

    @property
    def kept(self) -> bool:
        return self.asset is not None and self.asset.status == Asset.Status.KEPT

    @property
    def failed(self) -> bool:
        return self.asset is not None and self.asset.status == Asset.Status.FAILED

    @property
    def length(self) -> str:
        """Minutes and seconds: 2:05; "" where nobody knows."""
        seconds = self.asset.duration_s if self.asset else None
        return "" if seconds is None else f"{round(seconds) // 60}:{round(seconds) % 60:02d}"

    @property
    def wave(self) -> str:
        """The waveform as the path of an SVG, "" where none is known."""
        peaks = self.asset.waveform if self.asset else []
        if not peaks:
            return ""
        step, middle = WAVE_WIDTH / len(peaks), WAVE_HEIGHT / 2
        bars = []
        for number, peak in enumerate(peaks):
            half = max(0.5, min(1.0, float(peak)) * (middle - 1))
            bars.append(f"M{number * step + step / 2:.1f} {middle - half:.1f}v{2 * half:.1f}")
        return "".join(bars)

    @property
    def excerpt(self) -> str:
        return self.text if len(self.text) <= 600 else self.text[:600].rstrip() + "…"

    @property
    def pretty(self) -> str:
        """Data indented; texts as they are."""
        if self.kind != "data":
            return self.text
        try:
            return json.dumps(json.loads(self.text), indent=2, ensure_ascii=False)[:100_000]
        except ValueError:
            return self.text


@dataclass(frozen=True, slots=True)
class Card:
    task: MediaTask
    operation: Operation | None
    state: State
    outputs: list[Shown]
    may: bool

    @staticmethod
    def of(task: MediaTask, assets: Sequence[Asset], *, may: bool) -> Card:
        return Card(
            task, catalogue.find(task.operation), state_of(task, assets), outputs_of(task, assets), may
        )

    @property
    def label(self) -> str:
        return self.operation.label if self.operation else self.task.operation

    @property
    def title(self) -> str:
        """What a person wrote; a task made of a result alone is called after its operation."""
        taken = self.operation.takes_result if self.operation else {}
        ids = {str(self.task.inputs.get("values", {}).get(name)) for name in taken}
        return self.label if not self.task.title or self.task.title in ids else self.task.title

    @property
    def tab(self) -> str:
        """The page it is made on."""
        return "audio" if self.task.medium in ("speech", "text") else self.task.medium

    @property
    def moving(self) -> bool:
        """Whether there is news to wait for."""
        return self.task.live and self.task.watching and self.task.held_at is None

    @property
    def percent(self) -> int | None:
        return None if self.task.progress is None else round(self.task.progress * 100)

    @property
    def lost_copies(self) -> bool:
        return any(shown.failed for shown in self.outputs)

    @property
    def may_stop(self) -> bool:
        return self.may and self.task.status == Status.WAITING and self.task.watching

    @property
    def may_check(self) -> bool:
        task = self.task
        known = task.status in (Status.WAITING, Status.EXPIRED) and bool(task.upstream_id)
        findable = bool(self.operation and self.operation.carries_own_id)
        return self.may and (known or (task.status == Status.UNCONFIRMED and findable))

    @property
    def unconfirmed(self) -> bool:
        return self.task.status == Status.UNCONFIRMED

    @property
    def again_warns(self) -> bool:
        """Making it anew could be charged twice."""
        return self.task.status in (Status.UNCONFIRMED, Status.EXPIRED)

    @property
    def may_retry(self) -> bool:
        """Whether the same may be asked for once more without a warning."""
        return self.may and self.task.status in (Status.FAILED, Status.CANCELLED)

    @property
    def form_id(self) -> uuid.UUID:
        """For the form that makes the same once more: a double click makes one."""
        return uuid.uuid4()

    @property
    def speaks_markdown(self) -> bool:
        """Gemini's image models write as they do in a chat. Lyrics and transcripts stay as they came."""
        return bool(self.operation and self.operation.family == "gemini")

    @property
    def places(self) -> range:
        """The outputs that will come and have not: one box each, so that nothing moves when they do."""
        if not self.moving or self.box == "line":
            return range(0)
        there = sum(shown.kind == self.box for shown in self.outputs)
        return range(max(0, self._wanted - there))

    @property
    def _wanted(self) -> int:
        values = self.task.inputs.get("values") or {}
        told = next((values[name] for name in COUNTS if values.get(name)), 1)
        return min(told, MOST_PLACES) if self.box == "image" and isinstance(told, int) else 1

    @property
    def box(self) -> str:
        """What will come, so that its place is kept."""
        return {"image": "image", "video": "video", "music": "audio"}.get(self.task.medium, "line")


def state_of(task: MediaTask, assets: Sequence[Asset]) -> State:
    if task.held_at is not None:
        return State("warn", "Paused", task.held_reason or "Polling rests because of the key.")
    if task.status == Status.NEW:
        return State("queued", "Waiting to be sent")
    if task.status == Status.SUBMITTING:
        return State("running", "Sent to the gateway")
    if task.status == Status.WAITING:
        return _waiting(task)
    return _collecting(assets) if task.status == Status.COLLECTING else _ended(task, assets)


def _waiting(task: MediaTask) -> State:
    if not task.watching:
        return State("stopped", "Not watched", "The gateway may still finish and charge.")
    return State("running", task.stage or "Being made")


def _collecting(assets: Sequence[Asset]) -> State:
    kept = sum(asset.status == Asset.Status.KEPT for asset in assets)
    count = f" ({kept} of {len(assets)})" if len(assets) > 1 else ""
    trouble = next((asset.error for asset in assets if asset.error), "")
    return State("running", f"Saving your copy{count}", f"{trouble} Trying again." if trouble else "")


def _ended(task: MediaTask, assets: Sequence[Asset]) -> State:
    lost = next((asset.error for asset in assets if asset.status == Asset.Status.FAILED), "")
    if task.status == Status.SUCCEEDED:
        return State("warn", "Ready, copy failed", lost) if lost else State("finished", "Ready")
    if task.status == Status.FAILED:
        return _failed(task, lost)
    if task.status == Status.UNCONFIRMED:
        return State("warn", "Outcome unknown", f"{task.error_message} {CHARGED}".strip())
    if task.status == Status.EXPIRED:
        hint = "The gateway told of no end in the time this route has. It may still come, and be charged."
        return State("warn", "No end was told", hint)
    return State("stopped", "Taken back", "It was not sent.")


def _failed(task: MediaTask, lost: str) -> State:
    if task.error_code == UNCAPTURED:
        return State("warn", "Ready, copy failed", lost or task.error_message)
    about = KINDS.get(task.error_kind)
    if about is None:
        return State("failed", "Failed", task.error_message)
    told = task.error_message or about.sentence
    return State("failed", about.title, f"{told} {WHO[about.who]}".strip())


def outputs_of(task: MediaTask, assets: Sequence[Asset]) -> list[Shown]:
    """What is kept or on its way, then what the gateway has only told of. Half of something gives way to
    the whole of it.
    """
    keys = {row.key for row in assets}
    halves = {row.key for row in assets if row.key.endswith(PARTIAL)}
    shown = [
        Shown(
            row.kind,
            row.key,
            _title(row.meta, row.kind, row.ordinal),
            row,
            row.text,
            final=row.key not in halves,
        )
        for row in assets
        if row.key not in halves or row.key.removesuffix(PARTIAL) not in keys
    ]
    known = keys | {key.removesuffix(PARTIAL) for key in halves}
    for number, told in enumerate(task.outputs):
        if told.get("key") not in known and (told.get("text") or told.get("url")):
            title = _title(told.get("meta") or {}, told["kind"], number)
            text = told.get("text") or ""
            shown.append(Shown(told["kind"], told["key"], title, None, text, bool(told.get("final"))))
    return shown


def _title(meta: dict[str, Any], kind: str, number: int) -> str:
    word = {"image": "Picture", "video": "Video", "audio": "Track", "text": "Text"}.get(kind, "Data")
    title = meta.get("title")
    return f"{title} · {number + 1}" if title and kind == "audio" else str(title or f"{word} {number + 1}")


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a lyrics file with their times; line breaks stand in the words themselves."""
    words, begins = [], False
    try:
        for row in json.loads(text)["words"]:
            lines = [line.strip() for line in row["word"].split("\n")]
            told = [line for line in lines if line]
            if told:
                begins = begins or not lines[0] or len(told) > 1
                head = " ".join(told[:-1])
                words.append(Word(told[-1], float(row["start_s"]), float(row["end_s"]), begins, head))
            begins = not lines[-1] and len(lines) > 1
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()
    return tuple(words)
