"""Against the demo gateway, in real processes: whole tasks, with files that are what they say."""

from __future__ import annotations

from typing import Any

import pytest

from tests._servers.processes import until
from tests.media.desk import Desk, open_desk

MADE = [
    ("openai.images", {"model": "demo-image", "prompt": "a boat"}, "image/png"),
    ("dashscope.image", {"model": "demo-image", "prompt": "a boat"}, "image/png"),
    ("kling.image", {"model": "kling-v2-1", "prompt": "a boat"}, "image/png"),
    ("dashscope.video", {"model": "demo-video", "input.prompt": "a boat"}, "video/mp4"),
    ("kling.text2video", {"model": "kling-v3", "prompt": "a boat", "mode": "std"}, "video/mp4"),
    ("openai.videos", {"model": "kling-3.0", "prompt": "a boat"}, "video/mp4"),
    ("openai.speech", {"model": "tts-1", "input": "Ahoy.", "voice": "alloy"}, "audio/wav"),
]


def ended(desk: Desk) -> list[dict[str, Any]]:
    """Every task, once all of them have ended."""

    def done() -> bool:
        desk.ask("hurry")
        return all(row["status"] in ("succeeded", "failed") for row in desk.rows())

    until(done)
    return desk.rows()


def test_everything_the_demo_makes_is_kept(site: Any, mode: str) -> None:
    place = site(mode, worker=True)
    with open_desk(place.env) as desk:
        for operation, values, _ in MADE:
            desk.ask("order", operation=operation, values=values)
        rows = {row["operation"]: row for row in ended(desk)}
    for operation, _, media_type in MADE:
        row = rows[operation]
        assert row["status"] == "succeeded", f"{operation}: {row['error']}"
        assert {asset["media_type"] for asset in row["assets"]} == {media_type}, operation


@pytest.mark.parametrize("prompt", ["a boat", "a lighthouse in fog"])
def test_a_songs_tracks_are_kept(site: Any, prompt: str) -> None:
    place = site("embedded", worker=True)
    values = {"customMode": False, "instrumental": False, "model": "V4_5", "prompt": prompt}
    with open_desk(place.env) as desk:
        desk.ask("order", operation="suno.generate", values=values)
        (row,) = ended(desk)
    assert row["status"] == "succeeded", row["error"]
    sounds = [asset for asset in row["assets"] if asset["media_type"].startswith("audio/")]
    assert len(sounds) == 2


BY_HAND = {
    "key": "films",
    "label": "Films",
    "medium": "video",
    "fields": [
        {"name": "model_name", "kind": "text", "label": "Model", "required": True},
        {"name": "prompt", "kind": "text", "label": "Prompt", "required": True},
    ],
    "create": {"path": "/transtreams/kling/v1/videos/text2video", "body": {"mode": "std"}},
    "query": {"path": "/transtreams/kling/v1/videos/text2video/{id}"},
    "id": "data.task_id",
    "status": "data.task_status",
    "outputs": [{"path": "data.task_result.videos[*].url", "kind": "video"}],
}


def test_a_route_that_was_declared_by_hand_makes_what_the_built_in_one_makes(site: Any) -> None:
    place = site("embedded", worker=True)
    with open_desk(place.env) as desk:
        operation = desk.ask("declare", definition=BY_HAND)
        desk.ask("order", operation=operation, values={"model_name": "kling-v3", "prompt": "a boat"})
        (row,) = ended(desk)
    assert row["status"] == "succeeded", row["error"]
    assert [asset["media_type"] for asset in row["assets"]] == ["video/mp4"]
