"""The documented parameters of OpenAI Responses (contract section 7), by their wire names."""

from __future__ import annotations

from playground.gateway.params import ParamSpec
from playground.gateway.wire import rows

_ANYINT = "AnyInt: OpenAI Responses API"
_UPSTREAM = "upstream: OpenAI Responses"

PARAMS: tuple[ParamSpec, ...] = (
    rows.temperature(_ANYINT, "Reasoning models refuse it."),
    rows.top_p(_ANYINT),
    rows.tokens(
        "max_output_tokens",
        "Max output tokens",
        "The answer is cut at this length. Reasoning counts too.",
        _ANYINT,
    ),
    rows.reasoning_effort(
        _UPSTREAM, "none", "minimal", "low", "medium", "high", "xhigh", "max", name="reasoning.effort"
    ),
    ParamSpec(
        "reasoning.summary",
        "choice",
        "Reasoning summary",
        "Whether the model tells in short what it thought. Without it the thinking stays hidden.",
        default="auto",
        choices=("auto", "concise", "detailed"),
        source=_UPSTREAM,
    ),
    rows.json_mode(_UPSTREAM, name="text.format.type", label="Text format"),
    rows.parallel_tool_calls(_UPSTREAM),
    rows.prompt_cache_key(_UPSTREAM),
    ParamSpec(
        "truncation",
        "choice",
        "Truncation",
        "With auto the oldest turns are left out when the conversation is too long for the model; with "
        "disabled such a request fails.",
        default="disabled",
        choices=("auto", "disabled"),
        source=_UPSTREAM,
    ),
    ParamSpec(
        "store",
        "bool",
        "Store at the provider",
        "Whether the provider keeps the answer. Off unless you turn it on: the whole conversation goes up "
        "with every question.",
        default=False,
        source=_UPSTREAM,
    ),
    ParamSpec(
        "metadata",
        "json",
        "Metadata",
        'Words of your own to find the request by, as a JSON object of texts: {"project": "demo"}. '
        "No keys or private data.",
        source=_ANYINT,
    ),
)
