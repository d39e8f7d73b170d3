"""Every operation there is, by key; a family is one module with a tuple `OPERATIONS`."""

from __future__ import annotations

from playground.gateway.media import (
    dashscope,
    gemini_image,
    kling,
    openai_audio,
    openai_media,
    openai_videos,
    suno,
)
from playground.gateway.media.operation import Operation

OPERATIONS: dict[str, Operation] = {
    operation.key: operation
    for family in (
        gemini_image,
        openai_media,
        dashscope,
        openai_videos,
        kling,
        suno,
        openai_audio,
    )
    for operation in family.OPERATIONS
}
