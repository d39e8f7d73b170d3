"""A gateway that does what a test tells it: DashScope videos, Kling videos with an id of ours, files.

What a create call does is said by its prompt: "refuse", "busy", "broken", "html", "cut" (taken, then
the line goes dead), "hang" (taken, answered when `let_go` is set). A task stays pending until `finish` or
`answer` says otherwise.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

from tests._servers.processes import PATIENCE_S

DASHSCOPE = "/dashscope/v1/services/aigc/video-generation/video-synthesis"
KLING = "/transtreams/kling/v1/videos/text2video"
Reply = tuple[int, bytes, dict[str, str]]


def png(width: int = 2, height: int = 2, colour: bytes = b"\x20\x60\xa0") -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = (b"\0" + colour * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def mp4(size: int = 0) -> bytes:
    """The shell of a video: type, table of contents with its length (5 s), and `size` bytes of nothing."""
    head = struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 0, b"isom")
    mvhd = struct.pack(">I4sIIIII", 28, b"mvhd", 0, 0, 0, 1000, 5000)
    return (
        head
        + struct.pack(">I4s", 8 + len(mvhd), b"moov")
        + mvhd
        + struct.pack(">I4s", 8 + size, b"mdat")
        + bytes(size)
    )


@dataclass
class Upstream:
    url: str = ""
    states: dict[str, Any] = field(default_factory=dict)
    own_ids: dict[str, str] = field(default_factory=dict)
    prompts: Counter[str] = field(default_factory=Counter)
    polls: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    fetched: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    # Bytes of a file after which the line stays open and silent until `let_go`.
    stall_at: dict[str, int] = field(default_factory=dict)
    # Files that are as long as said, with nothing behind their beginning.
    grow: dict[str, int] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    poll_reply: Reply | None = None
    # What other routes answer, and with which headers they were asked.
    replies: dict[str, Reply] = field(default_factory=dict)
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    taken: Event = field(default_factory=Event)
    asked: Event = field(default_factory=Event)
    stalled: Event = field(default_factory=Event)
    let_go: Event = field(default_factory=Event)
    hang_polls: bool = False
    # Whether a new task is done at its first look.
    born_done: bool = False
    lock: Lock = field(default_factory=Lock)

    @property
    def ids(self) -> list[str]:
        return list(self.states)

    @property
    def creates(self) -> int:
        return sum(self.prompts.values())

    def put(self, name: str, data: bytes) -> str:
        self.files[name] = data
        return f"{self.url}/files/{name}"

    def say(self, path: str, body: Any, status: int = 200) -> None:
        """Have a route answer with this JSON."""
        self.replies[path] = (status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def finish(self, *, url: str | None = None, task: str | None = None) -> None:
        """Let one task, or all, succeed with a video."""
        url = self.put("made.mp4", mp4(2000)) if url is None else url
        for pk in [task] if task else self.ids:
            self.states[pk] = ("succeeded", url)

    def fail(self) -> None:
        for pk in self.ids:
            self.states[pk] = ("failed", "The prompt was not liked.")


class Handler(BaseHTTPRequestHandler):
    upstream: Upstream
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        up = self.upstream
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._replied():
            return
        kling = self.path == KLING
        prompt = body["prompt"] if kling else body["input"]["prompt"]
        with up.lock:
            up.prompts[prompt] += 1
            up.bodies.append(body)
            up.keys.add(self.headers.get("Authorization", ""))
            pk = f"up-{up.creates}"
        word = prompt.partition(" ")[0]
        if word in ("refuse", "busy", "broken", "html"):
            self._no(word)
            return
        up.states[pk] = ("succeeded", up.put("made.mp4", mp4(2000))) if up.born_done else ("pending", "")
        if kling:
            up.own_ids[body.get("external_task_id", "")] = pk
        up.taken.set()
        if word == "hang":
            up.let_go.wait(PATIENCE_S)
        if word == "cut":
            self.close_connection = True
            self.connection.close()
            return
        self._json(200, self._kling(pk) if kling else self._dashscope(pk))

    def _no(self, word: str) -> None:
        if word == "html":
            self._reply(200, b"<html>Welcome</html>", {"Content-Type": "text/html"})
            return
        status = {"refuse": 400, "busy": 429, "broken": 500}[word]
        error = {"code": "invalid_request_error", "message": f"It is {word}."}
        self._json(status, {"error": error})

    def do_GET(self) -> None:
        up = self.upstream
        if self.path.startswith("/files/"):
            self._file(self.path.removeprefix("/files/"))
            return
        if self._replied():
            return
        pk = self.path.rpartition("/")[2]
        pk = up.own_ids.get(pk, pk)
        with up.lock:
            up.polls[pk] += 1
        up.asked.set()
        if up.hang_polls:
            up.let_go.wait(PATIENCE_S)
        if up.poll_reply is not None:
            self._reply(*up.poll_reply)
        elif pk not in up.states:
            self._json(404, {"error": {"code": "not_found", "message": "No such task."}})
        else:
            self._json(200, self._kling(pk) if self.path.startswith(KLING) else self._dashscope(pk))

    def _replied(self) -> bool:
        reply = self.upstream.replies.get(self.path)
        if reply is None:
            return False
        self.upstream.heard.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
        self._reply(*reply)
        return True

    def _dashscope(self, pk: str) -> dict[str, Any]:
        state, told = self.upstream.states[pk]
        word = {"pending": "RUNNING", "succeeded": "SUCCEEDED", "failed": "FAILED"}.get(state, state)
        output: dict[str, Any] = {"task_id": pk, "task_status": word}
        if state == "succeeded" and told:
            output["video_url"] = told
        if state == "failed":
            output |= {"code": "InternalError", "message": told}
        return {"request_id": f"req-{pk}", "output": output}

    def _kling(self, pk: str) -> dict[str, Any]:
        state, told = self.upstream.states[pk]
        word = {"pending": "processing", "succeeded": "succeed"}.get(state, state)
        data: dict[str, Any] = {"task_id": pk, "task_status": word}
        if state == "succeeded":
            data["task_result"] = {"videos": [{"id": "v1", "url": told, "duration": "5"}]}
        return {"code": 0, "message": "", "request_id": f"req-{pk}", "data": data}

    def _file(self, name: str) -> None:
        up = self.upstream
        up.fetched.append((name, {key.lower(): value for key, value in self.headers.items()}))
        if name in up.redirects:
            self._reply(302, b"", {"Location": up.redirects[name]})
            return
        if name not in up.files:
            self._reply(404, b"gone", {})
            return
        if name in up.grow:
            self._grown(up.files[name], up.grow[name])
            return
        data, status, headers = up.files[name], 200, {"ETag": f'"{zlib.crc32(up.files[name])}"'}
        begin = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if begin and self.headers.get("If-Range") == headers["ETag"]:
            first = int(begin[1])
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
            data, status = data[first:], 206
        headers["Content-Type"] = "text/plain"  # never to be believed
        stall = up.stall_at.get(name)
        self._reply(status, data, headers, stall_at=stall if status == 200 else None)

    def _grown(self, head: bytes, size: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(head)
        left, nothing = size - len(head), bytes(2**20)
        while left:
            left -= self.wfile.write(nothing[:left]) or 0

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _reply(
        self, status: int, body: bytes, headers: dict[str, str], *, stall_at: int | None = None
    ) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:stall_at])
            if stall_at is not None:
                self.wfile.flush()
                self.upstream.stalled.set()
                self.upstream.let_go.wait(PATIENCE_S)
                self.close_connection = True
        except OSError:
            self.close_connection = True  # whoever asked was killed

    def log_message(self, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A worker that is killed leaves broken lines behind."""


@contextmanager
def running_upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    handler = type("Mine", (Handler,), {"upstream": upstream})
    server = Server(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    upstream.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield upstream
    finally:
        upstream.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
