"""How the tests ask the demo's media routes."""

import json
import re
import struct
import zlib

DASHSCOPE = "/dashscope/v1"
FILM = f"{DASHSCOPE}/services/aigc/video-generation/video-synthesis"
PICTURE = f"{DASHSCOPE}/services/aigc/multimodal-generation/generation"
KLING = "/transtreams/kling/v1"
IMAGES = "/openai/v1/images/generations"
VIDEOS = "/openai/v1/videos"
WORDS = "A paper boat drifts past a lighthouse"
# Where tasks are made, in all three families.
CREATING = [FILM, f"{KLING}/videos/text2video", VIDEOS]


def body_for(path, words=WORDS, **fields):
    """A body that the route takes."""
    if path == FILM:
        return {"model": "happyhorse-1.0-t2v", "input": {"prompt": words}, "parameters": fields}
    if path == PICTURE:
        messages = [{"role": "user", "content": [{"text": words}]}]
        return {"model": "qwen-image-plus", "input": {"messages": messages}, "parameters": fields}
    if path.startswith(KLING):
        return {"model_name": "kling-v3", "model": "kling-v3", "prompt": words, **fields}
    return {"model": "kling-v3-omni", "prompt": words, **fields}


def created(gateway, path, words=WORDS, **fields):
    """The id of a new task."""
    status, _, raw = gateway.call("POST", path, body_for(path, words, **fields))
    assert status == 200, raw
    return id_in(json.loads(raw))


def id_in(answer):
    told = answer.get("output") or answer.get("data") or answer
    return told.get("task_id") or told["id"]


def query(path, task_id):
    return f"{DASHSCOPE}/tasks/{task_id}" if path == FILM else f"{path}/{task_id}"


def state_in(answer):
    told = answer.get("output") or answer.get("data") or answer
    return told.get("task_status") or told["status"]


def looked(gateway, path, task_id):
    return gateway.json(query(path, task_id))


def ended(gateway, path, task_id):
    """The answer to the second query: a gateway without waits has ended the task by then."""
    looked(gateway, path, task_id)
    return looked(gateway, path, task_id)


def local(url):
    """The path of an address of the demo's own."""
    match = re.fullmatch(r"http://127\.0\.0\.1:\d+(/demo/assets/[\w-]{32,}\.\w+)\?Expires=\d+", url)
    assert match, url
    return match[1]


def film_of(gateway, words=WORDS, **fields):
    """The path of a finished film."""
    answer = ended(gateway, FILM, created(gateway, FILM, words, **fields))
    return local(answer["output"]["video_url"])


def fetched(gateway, path, headers=None, method="GET"):
    return gateway.call(method, path, headers=headers or {})


def png_size(data):
    """Width and height of a PNG whose every chunk and row is right."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    place, packed, names = 8, b"", []
    while place < len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        chunk = data[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", data, place + 8 + length)[0] == zlib.crc32(name + chunk)
        packed += chunk if name == b"IDAT" else b""
        names.append(name)
        place += length + 12
    width, height = struct.unpack_from(">II", data, 16)
    assert names[0] == b"IHDR" and names[-1] == b"IEND"
    assert len(zlib.decompress(packed)) == height * (width * 3 + 1)
    return width, height


def boxes(data):
    """The boxes of an MP4 by path, with their bodies."""
    found = {}
    _collect(data, "", found)
    return found


def _collect(data, path, found):
    place = 0
    while place < len(data):
        size, name = struct.unpack_from(">I4s", data, place)
        assert 8 <= size <= len(data) - place
        here, inner = f"{path}/{name.decode()}", data[place + 8 : place + size]
        found[here] = inner
        if name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            _collect(inner, here, found)
        place += size


def seconds_of(film):
    """How long an MP4 says it lasts."""
    scale, duration = struct.unpack_from(">II", boxes(film)["/moov/mvhd"], 12)
    return duration / scale
