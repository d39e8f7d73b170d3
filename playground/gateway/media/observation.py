"""What the media routes tell, whatever the family: a task was taken, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["pending", "running", "succeeded", "failed", "cancelled", "unknown"]
OutputKind = Literal["image", "video", "audio", "text", "data"]


@dataclass(frozen=True, slots=True)
class Output:
    """One thing a task made; exactly one of `url`, `data_b64` and `text` is set ("data" is JSON text).

    `key` tells outputs of one task apart and stays the same from poll to poll ("audio:<track id>"), so that
    one is captured once. `needs_key`: the url is a path of the gateway, "/…", and is asked with the key.
    `lives_s`: how long the provider keeps it, as far as is documented. `meta`: duration, title, tags, …, and
    under "id" the gateway's own id of this output, where it has one that later operations ask for.
    """

    key: str
    kind: OutputKind
    url: str = ""
    data_b64: str = ""
    text: str = ""
    media_type: str = ""
    needs_key: bool = False
    final: bool = True
    lives_s: int | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The gateway took the task; `upstream_id` is what to ask for. `adopted`: it existed already."""

    upstream_id: str
    request_id: str = ""
    raw_state: str = ""
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """How a task stands. `raw_state` is the gateway's word, `stage` a word for the person ("lyrics ready").

    `progress` is from 0 to 1. "unknown" is a state that no table knows, or a record that is gone: it is never
    an end by itself. A "succeeded" without a final output is not ready. `error_kind` is a key of
    `errors.KINDS`.
    """

    state: State
    raw_state: str = ""
    stage: str = ""
    progress: float | None = None
    outputs: tuple[Output, ...] = ()
    error_kind: str = ""
    error_message: str = ""
    error_code: str = ""
    request_id: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        return self.state == "succeeded" and any(output.final for output in self.outputs)
