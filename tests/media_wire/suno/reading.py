"""Reading Suno's answers as the app does: recorded ones, and ones put together for a test."""

from __future__ import annotations

import json
from pathlib import Path

from playground.gateway.media.registry import OPERATIONS

HERE = Path(__file__).parent
SONG = "b7d10000000000000000000000000001"
OUT = "https://assets.example.test/out"


def sample(name):
    return (HERE / f"{name}.json").read_bytes()


def created(route, body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return OPERATIONS[f"suno.{route}"].read_created(raw, "application/json")


def observed(body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return OPERATIONS["suno.generate"].read_state(raw)


def told(**data):
    return observed({"code": 200, "msg": "success", "data": {"taskId": SONG, **data}})


def of_tracks(status, *rows):
    return told(status=status, response={"sunoData": list(rows)})


def track(name, *, whole=True, **more):
    address = f"{OUT}/{name}.mp3" if whole else ""
    return {"id": name, "audioUrl": address, "streamAudioUrl": f"{OUT}/stream/{name}", **more}


def keys(seen):
    return {output.key: output.final for output in seen.outputs}
