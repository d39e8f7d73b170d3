"""A page as its script folds the stream: snapshots replace, batches of ops append."""

from __future__ import annotations

import json
from typing import Any

from playground.live.mirror import RunView


class Page:
    """Feed it the bytes of the stream; `shown` is what stands on the screen."""

    def __init__(self) -> None:
        self.views: dict[str, RunView] = {}
        self.ready: dict[str, Any] | None = None
        self.feeds: list[dict[str, Any]] = []
        self.ended: dict[str, str] = {}
        self.drained = False
        self._rest = b""

    def read(self, data: bytes) -> None:
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        for frame in frames:
            fields = dict(line.split(": ", 1) for line in frame.decode().split("\n") if ": " in line)
            if "event" in fields:
                self._take(fields["event"], json.loads(fields["data"]))

    def _take(self, event: str, data: dict[str, Any]) -> None:
        if event == "ready":
            self.ready = data
        elif event == "feed":
            self.feeds.append(data)
        elif event == "drain":
            self.drained = True
        elif event == "snapshot":
            self._show(data)
        elif event == "run" and data["run"] not in self.views and data["seq"] > 1:
            # Over before its beginning was shown here: the end is all that is told.
            assert data["ops"][-1][0] == "end", "a batch was lost"
            self.ended[data["run"]] = data["ops"][-1][1]
        elif event == "run":
            view = self.views.setdefault(data["run"], RunView(run=data["run"], turn=data["turn"]))
            assert view.apply(data["seq"], data["ops"]), "a batch was lost"
            if view.ended:
                self.ended[view.run] = view.status

    def _show(self, data: dict[str, Any]) -> None:
        view = RunView(run=data["run"], turn=data["turn"])
        ops: list[list[Any]] = [["status", data["status"], data["note"]]]
        for at, part in enumerate(data["parts"]):
            ops.append(["open", at, part["kind"], part["name"], part["call_id"]])
            ops += [["block", at, block, ""] for block in part["blocks"]]
            ops += [["text", at, part["tail"]]] if part["tail"] else []
        view.apply(1, ops)
        view.seq = data["seq"]
        self.views[view.run] = view

    def shown(self, run: str) -> str:
        """The finished blocks and the open text of the first part."""
        parts = self.views[run].parts
        return "".join(parts[0].blocks) + "".join(parts[0].tail) if parts else ""

    def source(self, run: str) -> str:
        """The source text this page was sent of the first part."""
        parts = self.views[run].parts
        return "".join(parts[0].source) if parts else ""
