"""What the careless gateway streams, by the model that is asked for."""

from __future__ import annotations

import json

from tests.faults.upstream import chunk, texts

SIGNS = "before\r\rafter\n\nevent: run\ndata: {}\n\n: hb\u2028\u2029\x85\x00\ud800 end"
FRAME = "x" * (8 * 1024 * 1024)

ANSWERS: dict[str, list[bytes]] = {
    "good": texts("All is well with ", "the other gateway."),
    "vendor/model:free@v1": texts("A model with a slash."),
    "signs": texts(*SIGNS),
    "malformed": [chunk("Kept before. "), b"data: {not json\n\n", *texts("Too late.")],
    "only-malformed": [b"data: {not json\n\n", b"data: [[[\n\n"],
    "wrong-types": [b"data: " + json.dumps({"choices": {"0": 7}, "usage": [1]}).encode() + b"\n\n"],
    "big-frame": texts(FRAME),
    "silent": [],
}
