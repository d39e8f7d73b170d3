"""No JSON whatever makes a media route do anything but answer or refuse."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.demo.app import DemoGateway
from tests.demo.media_asking import CREATING, FILM, IMAGES, KLING, PICTURE, body_for

PATHS = [
    *(*CREATING, PICTURE, IMAGES, f"{KLING}/images/omni-image", f"{KLING}/videos/omni-video"),
    *(f"{KLING}/videos/image2video", f"{KLING}/images/generations", "/openai/v1/audio/speech"),
    *("/openai/v1/audio/transcriptions", "/openai/v1/embeddings", "/openai/v1/moderations"),
]
LISTS = ["image_list", "video_list", "element_list", "frame_images", "media", "multi_prompt", "messages"]
NAMES = st.sampled_from(
    [
        *("model", "model_name", "prompt", "input", "parameters", "role", "content", "text", "image", "type"),
        *(
            "image_url",
            "url",
            "img_url",
            "duration",
            "seconds",
            "size",
            "ratio",
            "aspect_ratio",
            "resolution",
        ),
        *("n", "seed", "voice", "file", "multi_shot", "sound", "mode", "external_task_id", "dimensions"),
        *("input_reference", "encoding_format", *LISTS),
    ]
)
WORDS = st.sampled_from(
    [
        "demo-image",
        "demo-video",
        "user",
        "16:9",
        "1024x1024",
        "1328*1328",
        "https://a.test/b",
        "5",
        "A boat",
        "\ud83d",
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=6,
)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {"image_url": st.just("https://a.test/b"), "url": st.just("https://a.test/b")},
        optional={"type": ANYTHING, "prompt": ANYTHING, "image": ANYTHING, "content": ANYTHING},
    ),
    max_size=2,
)
CHANGES = st.builds(
    lambda one, other: one | other,
    st.dictionaries(NAMES, ANYTHING, max_size=3),
    st.dictionaries(st.sampled_from(LISTS), ENTRIES, max_size=2),
)


def posted(gateway, path, body):
    """The status and the answer of one request, in this very process."""
    sent = []
    messages = [{"type": "http.request", "body": json.dumps(body).encode()}]

    async def receive():
        if messages:
            return messages.pop()
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [(b"authorization", b"Bearer demo-key")],
    }
    asyncio.run(gateway(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("path", PATHS)
@settings(deadline=None, max_examples=60)
@given(changes=CHANGES, inner=CHANGES)
def test_any_body_is_answered_or_refused(path, changes, inner):
    body = {**body_for(path), "input": "A boat", "voice": "alloy", "model": "demo-image", **changes}
    if path in (FILM, PICTURE):
        body = {**body_for(path), **changes}
        body["parameters"] = inner
        if isinstance(body["input"], dict):
            body["input"] = {**body["input"], **inner}
    if path.endswith(("speech", "transcriptions", "embeddings", "moderations")):
        body["model"] = {"speech": "tts-1", "transcriptions": "whisper-1"}.get(
            path.rpartition("/")[2], "demo-fails"
        )
    status, answer = posted(DemoGateway(speed=0), path, body)
    assert status in (200, 400, 403, 500)
    assert status != 500 or b"Generation failed" in answer
