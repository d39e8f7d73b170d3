"""How the tests ask for music, and the receiver that the demo gateway calls back."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests._servers.processes import PATIENCE_S

NOWHERE = "https://playground.example.test/callback"
SIMPLE = {
    "customMode": False,
    "instrumental": False,
    "model": "V5",
    "prompt": "A calm song about paper boats",
}
# Short and fast, so that it is soon played.
SONG = SIMPLE | {
    "customMode": True,
    "prompt": "[Verse]\nA boat of paper\nleaves the pier\n[Chorus]\nrow, row\nfar from here",
    "style": "fast soul",
    "title": "Paper Boats",
}


def post(gateway, action, **fields):
    """The whole answer of a route under HTTP 200."""
    status, _, body = gateway.call("POST", f"/suno/{action}", {"callBackUrl": NOWHERE, **fields})
    assert status == 200, body
    return json.loads(body)


def make(gateway, action="generate", **fields):
    """The id of a task that was taken."""
    answer = post(gateway, action, **(SONG | fields if action == "generate" else fields))
    assert answer["code"] == 200, answer
    return answer["data"]["taskId"]


def query(gateway, task_id, kind="task"):
    status, _, body = gateway.call("GET", f"/suno/query/{kind}?taskId={task_id}")
    assert status == 200, body
    return json.loads(body)


def look(gateway, task_id, kind="task"):
    answer = query(gateway, task_id, kind)
    assert answer["code"] == 200, answer
    return answer["data"]


def tracks(gateway, task_id):
    return look(gateway, task_id)["response"]["sunoData"]


def song(gateway, **fields):
    """A finished song's first track, as the routes want it that go on from there."""
    task_id = make(gateway, **fields)
    return {"taskId": task_id, "audioId": tracks(gateway, task_id)[0]["id"]}


def fetch(gateway, url):
    """Type and bytes of a file."""
    parts = urlsplit(url)
    assert parts.netloc == urlsplit(gateway.base).netloc
    status, headers, body = gateway.call("GET", f"{parts.path}?{parts.query}", headers={})
    assert status == 200, body
    return headers["content-type"], body


@dataclass(slots=True)
class Receiver:
    """Answers callbacks with the wanted statuses in a row, the last one for ever."""

    address: str = ""
    statuses: list[int] = field(default_factory=lambda: [200])
    _came: "queue.Queue[tuple[str, dict[str, str], bytes]]" = field(default_factory=queue.Queue)

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        self._came.put((path, headers, body))
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    def raw(self):
        """Path, headers and body of the next callback; fails when none comes."""
        return self._came.get(timeout=PATIENCE_S)

    def next(self):
        return json.loads(self.raw()[2])

    @property
    def empty(self):
        return self._came.empty()


@contextmanager
def receiving(*statuses) -> Iterator[Receiver]:
    receiver = Receiver(statuses=list(statuses) or [200])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.take(self.path, headers, body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            """Says nothing on the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.address = f"http://127.0.0.1:{server.server_address[1]}/callbacks/t4sk/t0ken?n=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def deliveries_done(gateway):
    """The deliveries as soon as nobody waits for more."""
    for _ in range(20_000):
        seen = gateway.json("/demo/callbacks")
        if not seen["open"]:
            return seen["data"]
    raise AssertionError("callbacks are still open")
