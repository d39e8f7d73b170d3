"""The documented parameters of OpenAI chat (contract section 6), by their wire names."""

from __future__ import annotations

from playground.gateway.params import ParamSpec
from playground.gateway.wire import rows

_ANYINT = "AnyInt: OpenAI Compatible API"
_UPSTREAM = "upstream: OpenAI chat"

PARAMS: tuple[ParamSpec, ...] = (
    rows.temperature(_ANYINT),
    rows.top_p(_ANYINT),
    rows.tokens("max_tokens", "Max tokens", "The answer is cut at this length.", _ANYINT, default=1024),
    rows.tokens(
        "max_completion_tokens",
        "Max completion tokens",
        "The newer limit: it counts reasoning too. Some models take only this one.",
        _UPSTREAM,
        alike="",
    ),
    rows.stop(_ANYINT, name="stop", label="Stop", most=4),
    ParamSpec(
        "presence_penalty",
        "float",
        "Presence penalty",
        "Above 0, words that were used at all are avoided.",
        default=0,
        minimum=-2,
        maximum=2,
        step=0.1,
        source=_ANYINT,
    ),
    ParamSpec(
        "frequency_penalty",
        "float",
        "Frequency penalty",
        "Above 0, words are avoided the more the oftener they were used.",
        default=0,
        minimum=-2,
        maximum=2,
        step=0.1,
        source=_ANYINT,
    ),
    rows.reasoning_effort(
        _UPSTREAM, "none", "minimal", "low", "medium", "high", "xhigh", name="reasoning_effort"
    ),
    rows.json_mode(_UPSTREAM, name="response_format", label="Response format"),
    ParamSpec(
        "seed",
        "int",
        "Seed",
        "The same seed and the same request give much the same answer, where the model supports it.",
        default=1,
        minimum=-(2**63),
        maximum=2**63 - 1,
        step=1,
        source=_UPSTREAM,
    ),
    ParamSpec(
        "n",
        "int",
        "Choices",
        "How many answers are made, and billed. Only the first is shown.",
        default=1,
        minimum=1,
        maximum=128,
        step=1,
        source=_UPSTREAM,
    ),
    rows.parallel_tool_calls(_UPSTREAM, "Some models refuse it without tools."),
    rows.prompt_cache_key(_UPSTREAM),
    ParamSpec(
        "user",
        "text",
        "User",
        "A name for your own tracing. No private data.",
        maximum=200,
        source=_ANYINT,
    ),
)
